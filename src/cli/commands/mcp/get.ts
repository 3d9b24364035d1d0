import type { McpTransport } from "#config/mcp-servers.ts";
import { writeStdout } from "#lib/stdio.ts";
import { type ConfiguredServer, type McpOptions, serverNamed } from "./configured.ts";
import { environmentNames, maskedNames, serverJson } from "./server-json.ts";

/** `codex mcp get NAME`. Resolves to the exit code. */
export async function getServer(name: string, options: McpOptions): Promise<number> {
  const server = await serverNamed(name, options);
  if (options.json === true) writeStdout(`${JSON.stringify(fullJson(server), null, 2)}\n`);
  else writeStdout(`${describe(server).join("\n")}\n`);
  return 0;
}

function fullJson(server: ConfiguredServer): Record<string, unknown> {
  const { settings } = server;
  return {
    ...serverJson(server),
    enabled_tools: settings.enabledTools ?? null,
    disabled_tools: settings.disabledTools.length === 0 ? null : settings.disabledTools,
    startup_timeout_sec: server.startupTimeoutSec,
    tool_timeout_sec: server.toolTimeoutSec,
  };
}

function describe({ settings, startupTimeoutSec, toolTimeoutSec }: ConfiguredServer): string[] {
  const { name, enabledTools, disabledTools } = settings;
  if (!settings.enabled) return [`${name} (disabled)`];
  return [
    name,
    "  enabled: true",
    ...(enabledTools === undefined ? [] : [`  enabled_tools: ${enabledTools.join(", ") || "[]"}`]),
    ...(disabledTools.length === 0 ? [] : [`  disabled_tools: ${disabledTools.join(", ")}`]),
    ...describeTransport(settings.transport),
    ...(startupTimeoutSec === null ? [] : [`  startup_timeout_sec: ${startupTimeoutSec}`]),
    ...(toolTimeoutSec === null ? [] : [`  tool_timeout_sec: ${toolTimeoutSec}`]),
    `  remove: codex mcp remove ${name}`,
  ];
}

function describeTransport(transport: McpTransport): string[] {
  if (transport.type === "stdio") {
    return [
      "  transport: stdio",
      `  command: ${transport.command}`,
      `  args: ${transport.args.join(" ") || "-"}`,
      `  cwd: ${transport.cwd ?? "-"}`,
      `  env: ${maskedNames(environmentNames(transport))}`,
    ];
  }
  const fromEnvironment = Object.entries(transport.envHttpHeaders).map(([header, variable]) => `${header}=${variable}`);
  return [
    "  transport: streamable_http",
    `  url: ${transport.url}`,
    `  bearer_token_env_var: ${transport.bearerTokenEnvVar ?? "-"}`,
    `  http_headers: ${maskedNames(Object.keys(transport.httpHeaders).sort())}`,
    `  env_http_headers: ${fromEnvironment.sort().join(", ") || "-"}`,
    ...(transport.httpHeadersHelper === undefined ? [] : [`  http_headers_helper: ${transport.httpHeadersHelper}`]),
  ];
}
