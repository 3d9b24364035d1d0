import { type ToolList, type ToolSpec, toolList } from "#providers/tool-list.ts";
import type { StoredOffer } from "./offer-cache.ts";
import type { McpServer } from "./server.ts";
import type { CachedTools, McpToolInfo } from "./tool-info.ts";
import { qualifiedToolName } from "./tool-names.ts";

/** A tool the model can be offered. */
export interface OfferedTool {
  /** `mcp__<server>__<tool>`, unique. */
  qualifiedName: string;
  server: McpServer;
  info: McpToolInfo;
}

/** What the servers of a session offer together, as long as their lists stay what they are. */
export interface Offer {
  /** The lists it was made of, one for each server. */
  readonly from: readonly (CachedTools | undefined)[];
  /** What requests list, in the model's order. */
  readonly list: ToolList;
  /** By qualified name, in the same order. */
  readonly tools: ReadonlyMap<string, OfferedTool>;
}

/** Whether the offer is what these servers have now. */
export function isCurrent(offer: Offer | undefined, servers: readonly McpServer[]): offer is Offer {
  return offer !== undefined && servers.every((server, index) => server.list === offer.from[index]);
}

/** The offer of the lists as they are now. Of two tools with one name the first counts. */
export function makeOffer(servers: readonly McpServer[]): Offer {
  const found = new Map<string, OfferedTool>();
  for (const server of servers) {
    for (const info of server.tools) {
      const qualifiedName = qualifiedToolName(server.name, info.name);
      if (!found.has(qualifiedName)) found.set(qualifiedName, { qualifiedName, server, info });
    }
  }
  // Sorting names alone is much cheaper than sorting pairs, and this runs before the first request.
  const names = [...found.keys()].sort();
  const tools = new Map(names.flatMap((name) => [[name, found.get(name)]] as [string, OfferedTool][]));
  return { from: servers.map((server) => server.list), list: toolList([...tools.values()].map(toolSpec)), tools };
}

/** The offer of an earlier session again. Its tools are put together when the first of them is called. */
export function restoreOffer(servers: readonly McpServer[], stored: StoredOffer): Offer {
  let tools: ReadonlyMap<string, OfferedTool> | undefined;
  return {
    from: servers.map((server) => server.list),
    list: stored.list,
    get tools() {
      tools ??= placedTools(servers, stored);
      return tools;
    },
  };
}

function placedTools(servers: readonly McpServer[], stored: StoredOffer): ReadonlyMap<string, OfferedTool> {
  const tools = new Map<string, OfferedTool>();
  for (const [qualifiedName, at, tool] of stored.order()) {
    const server = servers[at];
    const info = server?.listed[tool];
    if (server !== undefined && info !== undefined) tools.set(qualifiedName, { qualifiedName, server, info });
  }
  return tools;
}

/** What requests list. */
export function toolSpec({ qualifiedName, info }: OfferedTool): ToolSpec {
  const { description, parameters } = info;
  return { type: "function", name: qualifiedName, description, strict: false, parameters };
}
