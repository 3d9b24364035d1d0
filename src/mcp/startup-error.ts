import { printable } from "#lib/printable.ts";
import { shortened } from "#lib/truncate.ts";

/** Why a server could not be started: `reason` is the last link of the chain that users are shown. */
export class McpStartupError extends Error {
  readonly reason: string;

  constructor(text: string) {
    const reason = plain(text);
    super(reason);
    this.name = "McpStartupError";
    this.reason = reason;
  }
}

/** Longest reason that is shown; servers answer with whole pages. */
const REASON_CHARS = 2_000;

/** What a server says, cut and without what would steer a terminal. */
function plain(text: string): string {
  return printable(shortened(text, REASON_CHARS));
}

/** The server did not answer in time; not a fault of anything we know. */
export class McpStartupTimeout extends McpStartupError {
  constructor(limitMs: number) {
    super(`request timed out after ${limitMs / 1000} seconds`);
    this.name = "McpStartupTimeout";
  }
}

/** What a person is told of a server that did not start; programs match on the words of 0.101. */
export function startupFailureText(name: string, error: McpStartupError, limitMs: number): string {
  if (error instanceof McpStartupTimeout) {
    return [
      `MCP client for \`${name}\` timed out after ${limitMs / 1000} seconds. Add or adjust \`startup_timeout_sec\` in your config.toml:`,
      `[mcp_servers.${name}]`,
      "startup_timeout_sec = XX",
    ].join("\n");
  }
  return `MCP client for \`${name}\` failed to start: MCP startup failed: ${error.reason}`;
}
