import { ConfigError } from "#config/config-error.ts";
import { type LoadConfigOptions, type LoadedConfig, loadConfig } from "#config/load.ts";
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

/** The configuration of this folder. Throws a CodexError whose text begins as Codex CLI's does for these commands. */
export async function configurationHere(overrides?: LoadConfigOptions["overrides"]): Promise<LoadedConfig> {
  try {
    return await loadConfig({
      codexHome: codexHome(),
      cwd: process.cwd(),
      ...(overrides === undefined ? {} : { overrides }),
    });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CodexError("config_invalid", loadFailure(error.message), { cause: error });
  }
}

/** A place is cause number 0, with the line it is on below. */
function loadFailure(message: string): string {
  const [first = "", ...below] = message.replace(/^Error loading config\.toml:\s+/, "").split("\n");
  const cause = below.length === 0 ? [`    ${first}`] : [`    0: ${first}`, ...below.map((line) => `       ${line}`)];
  return `failed to load configuration\n\nCaused by:\n${cause.join("\n")}`;
}

/** Every configured server by name, disabled ones included. */
export async function configuredServers(options: McpOptions): Promise<ConfiguredServer[]> {
  const { config = [], enable = [], disable = [] } = options;
  const loaded = await configurationHere(parseOverrides({ config, enable, disable }));
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
