import type { McpTransport } from "#config/mcp-servers.ts";
import { VERSION } from "#lib/version.ts";
import { McpStartupError } from "./startup-error.ts";

type HttpTransport = Extract<McpTransport, { type: "http" }>;
type Environment = Readonly<Record<string, string>>;

/** How Codex CLI calls itself to MCP servers. */
export const USER_AGENT = `codex-mcp-client/${VERSION}`;

/** The headers that the configuration spells out; variables that are not set leave theirs out. */
export function configuredHeaders(settings: HttpTransport, env: Environment): Record<string, string> {
  const headers: Record<string, string> = { ...settings.httpHeaders };
  for (const [header, variable] of Object.entries(settings.envHttpHeaders)) {
    const value = env[variable];
    if (value !== undefined && value.trim() !== "") headers[header] = value;
  }
  return headers;
}

/** Those, and the bearer token. Throws McpStartupError for a token that is not there. */
export function requestHeaders(name: string, settings: HttpTransport, env: Environment): Record<string, string> {
  const headers = configuredHeaders(settings, env);
  const variable = settings.bearerTokenEnvVar;
  if (variable === undefined) return headers;
  const token = env[variable];
  if (token === undefined)
    throw new McpStartupError(`Environment variable ${variable} for MCP server '${name}' is not set`);
  if (token.trim() === "")
    throw new McpStartupError(`Environment variable ${variable} for MCP server '${name}' is empty`);
  return { ...headers, authorization: `Bearer ${token}` };
}

/** Whether the headers already say who we are. */
export function hasAuthorization(headers: Readonly<Record<string, string>>): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === "authorization");
}
