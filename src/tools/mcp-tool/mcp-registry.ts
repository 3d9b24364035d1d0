import type { SessionApprovals } from "#approvals/session-cache.ts";
import type { OfferedTool } from "#mcp/offer.ts";
import type { McpServers } from "#mcp/servers.ts";
import { joinToolLists } from "#providers/tool-list.ts";
import type { ToolRegistry } from "../registry.ts";
import type { Tool } from "../tool.ts";
import { createMcpTool } from "./mcp-tool.ts";

/** The registry with the tools of the servers behind its own: as they are known at the moment of asking. */
export function withMcpTools(own: ToolRegistry, servers: McpServers, approvals: SessionApprovals): ToolRegistry {
  const made = new WeakMap<OfferedTool, Tool>();
  const toolFor = (offered: OfferedTool): Tool => {
    let tool = made.get(offered);
    if (tool === undefined) {
      tool = createMcpTool(offered, approvals);
      made.set(offered, tool);
    }
    return tool;
  };
  const find = (name: string): Tool | undefined => {
    // Only a name that is not ours makes the servers' tools be put together.
    const ours = own.find(name);
    const offered = ours === undefined ? servers.tools.get(name) : undefined;
    return offered === undefined ? ours : toolFor(offered);
  };
  return {
    list: (model) => joinToolLists(own.list(model), servers.list),
    find,
    awaited: (name) => servers.listsFor(name)?.then(() => find(name)),
  };
}
