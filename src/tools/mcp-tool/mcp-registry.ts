import type { McpServers, OfferedTool } from "#mcp/servers.ts";
import type { ToolRegistry } from "../registry.ts";
import type { Tool } from "../tool.ts";
import { createMcpTool } from "./mcp-tool.ts";

/** The registry with the tools of the servers behind its own: as they are known at the moment of asking. */
export function withMcpTools(own: ToolRegistry, servers: McpServers): ToolRegistry {
  let made = new Map<OfferedTool, Tool>();
  const toolFor = (offered: OfferedTool): Tool => {
    const tool = made.get(offered) ?? createMcpTool(offered);
    made.set(offered, tool);
    return tool;
  };
  return {
    specs: (model) => {
      const current = [...servers.tools.values()];
      // Tools that are gone from the list are not kept.
      made = new Map(current.map((offered) => [offered, toolFor(offered)]));
      return [...own.specs(model), ...current.flatMap((offered) => toolFor(offered).spec({ model }) ?? [])];
    },
    find: (name) => {
      const offered = servers.tools.get(name);
      return own.find(name) ?? (offered === undefined ? undefined : toolFor(offered));
    },
  };
}
