import type { McpTransport } from "#config/mcp-servers.ts";
import type { ConfiguredServer } from "./configured.ts";

/** The part of a server's JSON that `list` and `get` share. Values of `env` are shown: programs read them from here. */
export function serverJson({ settings }: ConfiguredServer): Record<string, unknown> {
  return {
    name: settings.name,
    enabled: settings.enabled,
    disabled_reason: null,
    transport: transportJson(settings.transport),
  };
}

function transportJson(transport: McpTransport): Record<string, unknown> {
  if (transport.type === "stdio") {
    return {
      type: "stdio",
      command: transport.command,
      args: transport.args,
      env: orNull(transport.env),
      env_vars: transport.envVars,
      cwd: transport.cwd ?? null,
    };
  }
  return {
    type: "streamable_http",
    url: transport.url,
    bearer_token_env_var: transport.bearerTokenEnvVar ?? null,
    http_headers: orNull(transport.httpHeaders),
    env_http_headers: orNull(transport.envHttpHeaders),
    ...(transport.httpHeadersHelper === undefined ? {} : { http_headers_helper: transport.httpHeadersHelper }),
  };
}

function orNull(map: Readonly<Record<string, string>>): Readonly<Record<string, string>> | null {
  return Object.keys(map).length === 0 ? null : map;
}

/** `A=*****, TOKEN=*****`, sorted; `-` for none. */
export function maskedNames(names: readonly string[]): string {
  return names.length === 0 ? "-" : [...names].map((name) => `${name}=*****`).join(", ");
}

/** What a program gets in its environment, for people: names only. */
export function environmentNames(transport: Extract<McpTransport, { type: "stdio" }>): string[] {
  return [...Object.keys(transport.env).sort(), ...transport.envVars];
}
