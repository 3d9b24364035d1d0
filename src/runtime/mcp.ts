import type { SessionApprovals } from "#approvals/session-cache.ts";
import { environment } from "#lib/env.ts";
import { writeNote } from "#lib/stdio.ts";
import type { McpServerStatus } from "#mcp/server.ts";
import { McpServers } from "#mcp/servers.ts";
import type { Event } from "#protocol/events.ts";
import { createMcpResourceTools } from "#tools/mcp-resources/mcp-resources.ts";
import { parseCallResult } from "#tools/mcp-tool/call-server.ts";
import { withMcpTools } from "#tools/mcp-tool/mcp-registry.ts";
import type { ToolRegistry } from "#tools/registry.ts";
import type { Tool } from "#tools/tool.ts";
import type { RuntimeOptions } from "./options.ts";

/** The MCP servers of this process, as threads use them. Loaded only when one is configured. */
export interface Mcp {
  /** Tools of ours over all servers. */
  resourceTools: readonly Tool[];
  withTools(own: ToolRegistry, approvals: SessionApprovals): ToolRegistry;
  /**
   * Starts what has to be started and resolves when the required servers run. Throws the CodexError that ends
   * the session when one of them does not, or the signal's reason.
   */
  begin(options: { signal: AbortSignal }): Promise<void>;
  /** Tells of servers starting, beginning with what has happened so far. */
  announceTo(emit: (event: Event) => void): void;
  /** Calls a tool for somebody who is not the model. Throws when there is no such server or the call fails. */
  callTool(
    call: { server: string; tool: string; arguments: Readonly<Record<string, unknown>> },
    signal: AbortSignal,
  ): Promise<{ text: string; isError: boolean }>;
  /** Resolves when the tools of every server are known or known to be out of reach. */
  toolsReady(signal: AbortSignal): Promise<void>;
  /** Ends servers that have nothing to do; the next call starts them again. */
  rest(): Promise<void>;
  close(): Promise<void>;
}

/** Somebody who looks at an interface waits no longer than this; the tools come with the next request. */
const INTERACTIVE_WAIT_MS = 50;

export function createMcp({ settings, codexHome, cwd, source }: RuntimeOptions): Mcp {
  const servers = new McpServers({ settings: settings.mcpServers, codexHome, cwd, env: environment() });
  const held: Event[] = [];
  let emit = (event: Event): void => void held.push(event);
  let isTold = false;
  // An interface shows the servers itself, and nobody may write into its screen.
  const onNote = source === "cli" ? () => {} : writeNote;
  const whole = async (signal: AbortSignal) => {
    const startup = await servers.settled({ onNote, signal });
    if (isTold || startup.ready.length + startup.failed.length === 0) return;
    isTold = true;
    emit({ type: "mcp_startup_complete", ...startup });
  };
  return {
    resourceTools: createMcpResourceTools(servers),
    withTools: (own, approvals) => withMcpTools(own, servers, approvals),
    begin: (waiting) => {
      servers.begin((server, status) => emit(statusEvent(server, status)));
      return servers.required(waiting);
    },
    announceTo: (onEvent) => {
      emit = onEvent;
      for (const event of held.splice(0)) emit(event);
    },
    callTool: (call, signal) => callTool(servers, call, signal),
    toolsReady: async (signal) => {
      if (source !== "cli") return whole(signal);
      await Promise.race([whole(signal), Bun.sleep(INTERACTIVE_WAIT_MS)]);
    },
    rest: () => servers.rest(),
    close: () => servers.close(),
  };
}

async function callTool(
  servers: McpServers,
  call: { server: string; tool: string; arguments: Readonly<Record<string, unknown>> },
  signal: AbortSignal,
): Promise<{ text: string; isError: boolean }> {
  const server = servers.find(call.server);
  if (server === undefined) throw new Error(`no MCP server "${call.server}" is configured or enabled`);
  const params = { name: call.tool, arguments: call.arguments };
  const { content, structuredContent, isError } = parseCallResult(
    await server.request("tools/call", params, { signal }),
  );
  const text = content.flatMap((block) => (typeof block.text === "string" ? [block.text] : [])).join("\n");
  if (text.trim() !== "") return { text, isError };
  if (structuredContent !== null) return { text: JSON.stringify(structuredContent), isError };
  const other = content.find(({ type }) => type !== "text");
  if (other !== undefined) throw new Error(`its answer is of type "${other.type}", expected text`);
  return { text, isError };
}

function statusEvent(server: string, status: McpServerStatus): Event {
  switch (status.type) {
    case "starting":
      return { type: "mcp_server_starting", server };
    case "ready":
      return { type: "mcp_server_ready", server };
    case "failed":
      return { type: "mcp_server_failed", server, message: status.message };
  }
}
