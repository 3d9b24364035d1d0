import { type LoadedConfig, loadConfig } from "#config/load.ts";
import { type McpServerSettings, mcpServers } from "#config/mcp-servers.ts";
import { CodexError } from "#lib/errors.ts";
import { codexHome } from "#lib/home.ts";
import { parseOverrides } from "../../overrides.ts";

/** Options of the commands that read the configuration. */
export interface McpOptions {
  json?: boolean;
  config?: string[];
  enable?: string[];
  disable?: string[];
}

/** A server with what its settings do not say: whether a limit was configured. */
export interface ConfiguredServer {
  settings: McpServerSettings;
  /** Seconds, or null where the default applies. */
  startupTimeoutSec: number | null;
  toolTimeoutSec: number | null;
}

/** Every configured server by name, disabled ones included. */
export async function configuredServers(options: McpOptions): Promise<ConfiguredServer[]> {
  const loaded = await loadConfig({
    codexHome: codexHome(),
    cwd: process.cwd(),
    overrides: parseOverrides({
      config: options.config ?? [],
      enable: options.enable ?? [],
      disable: options.disable ?? [],
    }),
  });
  return mcpServers(loaded.config)
    .map((settings) => withLimits(settings, loaded))
    .sort((a, b) => (a.settings.name < b.settings.name ? -1 : 1));
}

function withLimits(settings: McpServerSettings, { origins }: LoadedConfig): ConfiguredServer {
  const isSet = (...keys: string[]) => keys.some((key) => origins.has(`mcp_servers.${settings.name}.${key}`));
  return {
    settings,
    startupTimeoutSec: isSet("startup_timeout_sec", "startup_timeout_ms") ? settings.startupTimeoutMs / 1000 : null,
    toolTimeoutSec: isSet("tool_timeout_sec") ? settings.toolTimeoutMs / 1000 : null,
  };
}

/** The server, or the CodexError that says there is none. `where` is what the message ends with. */
export async function serverNamed(name: string, options: McpOptions, where = ""): Promise<ConfiguredServer> {
  const found = (await configuredServers(options)).find(({ settings }) => settings.name === name);
  if (found === undefined) throw new CodexError("mcp_server", `No MCP server named '${name}' found${where}.`);
  return found;
}

/** Names that are keys of TOML and parts of tool names as they stand. */
export function assertServerName(name: string): void {
  if (/^[A-Za-z0-9_-]+$/.test(name)) return;
  throw new CodexError("mcp_server", `invalid server name '${name}' (use letters, numbers, '-', '_')`);
}
