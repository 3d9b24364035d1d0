import { fileURLToPath } from "node:url";
import type { McpServerSettings } from "#config/mcp-servers.ts";

const RAW_SERVER = fileURLToPath(import.meta.resolve("./mcp-server-raw.ts"));

/** Settings of a server, as the configuration would give them for a name and a transport. */
export function mcpSettings(
  name: string,
  transport: McpServerSettings["transport"],
  more: Partial<McpServerSettings> = {},
): McpServerSettings {
  return {
    name,
    transport,
    enabled: true,
    required: false,
    startupTimeoutMs: 20_000,
    toolTimeoutMs: 20_000,
    enabledTools: undefined,
    disabledTools: [],
    scopes: undefined,
    supportsParallelToolCalls: false,
    toolApprovalModes: new Map(),
    ...more,
  };
}

/** A program that speaks over its standard streams. */
export function stdioTransport(command: string, args: readonly string[]): McpServerSettings["transport"] {
  return { type: "stdio", command, args, env: {}, envVars: [], cwd: undefined };
}

type HttpTransport = Extract<McpServerSettings["transport"], { type: "http" }>;

/** An address that speaks streamable HTTP, with nothing sent along unless said otherwise. */
export function httpTransport(url: string, more: Partial<HttpTransport> = {}): HttpTransport {
  return { type: "http", url, bearerTokenEnvVar: undefined, httpHeaders: {}, envHttpHeaders: {}, ...more };
}

/** The server of `mcp-server-raw.ts` that behaves in this way. */
export function rawServer(
  behaviour: string,
  more: Partial<McpServerSettings> & { log?: string } = {},
): McpServerSettings {
  const { log, ...settings } = more;
  const args = [RAW_SERVER, behaviour, ...(log === undefined ? [] : [log])];
  return mcpSettings(settings.name ?? behaviour, stdioTransport(process.execPath, args), settings);
}
