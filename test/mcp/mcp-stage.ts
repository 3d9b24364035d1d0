import type { McpServerSettings } from "#config/mcp-servers.ts";
import { environment } from "#lib/env.ts";
import type { McpServerStatus } from "#mcp/server.ts";
import { McpServers } from "#mcp/servers.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

/** Servers of one session, with what people were told of them. */
export interface McpStage extends AsyncDisposable {
  home: TempHome;
  servers: McpServers;
  statuses: [server: string, status: McpServerStatus][];
  notes: string[];
  /** Begins and waits until every server that has to be started is ready or has failed. */
  settled(): Promise<void>;
  /** One call; the text of the first content block. */
  text(server: string, tool: string, args?: Record<string, unknown>): Promise<string>;
  /** Another session over the same folders. */
  again(settings: readonly McpServerSettings[]): McpStage;
}

export const NEVER = new AbortController().signal;

export async function mcpStage(settings: readonly McpServerSettings[]): Promise<McpStage> {
  return stageOver(await tempHome(), settings, true);
}

function stageOver(home: TempHome, settings: readonly McpServerSettings[], owned: boolean): McpStage {
  const servers = new McpServers({ settings, codexHome: home.codexHome, cwd: home.cwd, env: environment() });
  const statuses: McpStage["statuses"] = [];
  const notes: string[] = [];
  return {
    home,
    servers,
    statuses,
    notes,
    settled: async () => {
      servers.begin((server, status) => statuses.push([server, status]));
      await servers.settled({ onNote: (text) => notes.push(text), signal: NEVER });
    },
    text: async (server, tool, args = {}) => {
      const result = await servers
        .find(server)
        ?.request("tools/call", { name: tool, arguments: args }, { signal: NEVER });
      return String((result?.content as { text?: string }[] | undefined)?.[0]?.text);
    },
    again: (next) => stageOver(home, next, false),
    async [Symbol.asyncDispose]() {
      await servers.close();
      if (owned) await home[Symbol.asyncDispose]();
    },
  };
}
