import type { Config } from "./schema.ts";

/** How an MCP server is reached. */
export type McpTransport =
  | {
      type: "stdio";
      command: string;
      args: readonly string[];
      env: Readonly<Record<string, string>>;
      /** Names of variables passed on from our environment. */
      envVars: readonly string[];
      /** Absolute; undefined means the session's. */
      cwd: string | undefined;
    }
  | {
      type: "http";
      url: string;
      bearerTokenEnvVar: string | undefined;
      httpHeaders: Readonly<Record<string, string>>;
      envHttpHeaders: Readonly<Record<string, string>>;
      /** Shell command that prints headers as a JSON object. */
      httpHeadersHelper?: string;
    };

/** How to log in to a server that is reached over HTTP. */
export interface McpOAuthSettings {
  store: Config["mcp_oauth_credentials_store"];
  /** Undefined where a client is registered at login. */
  clientId: string | undefined;
  clientSecret: string | undefined;
  /** Undefined for what the server says it is. */
  resource: string | undefined;
  /** Undefined for any free port. */
  callbackPort: number | undefined;
  callbackUrl: string | undefined;
}

/** When a person is asked before a tool of a server runs. */
export type ToolApprovalMode = NonNullable<Config["mcp_servers"][string]["default_tools_approval_mode"]>;

export interface McpServerSettings {
  /** Key in `mcp_servers`. */
  name: string;
  transport: McpTransport;
  enabled: boolean;
  required: boolean;
  startupTimeoutMs: number;
  toolTimeoutMs: number;
  /** Only these tools; undefined means all. */
  enabledTools: readonly string[] | undefined;
  /** Taken away after `enabledTools`. */
  disabledTools: readonly string[];
  scopes: readonly string[] | undefined;
  /** For servers reached over HTTP. */
  oauth?: McpOAuthSettings;
  /** Calls may overlap other calls of the same answer. */
  supportsParallelToolCalls: boolean;
  /** For tools that `toolApprovalModes` does not name; undefined asks nobody, as 0.101 does. */
  defaultToolsApprovalMode?: ToolApprovalMode;
  /** By the name the server gives a tool. */
  toolApprovalModes: ReadonlyMap<string, ToolApprovalMode>;
}

const STARTUP_TIMEOUT_MS = 10_000;

/** The configured MCP servers, disabled ones included, in the order of the merged configuration. */
export function mcpServers(config: Config): McpServerSettings[] {
  return Object.entries(config.mcp_servers).map(([name, entry]) => ({
    name,
    transport: transportOf(entry),
    enabled: entry.enabled,
    required: entry.required,
    startupTimeoutMs: startupTimeoutOf(entry),
    toolTimeoutMs: entry.tool_timeout_sec * 1000,
    enabledTools: entry.enabled_tools,
    disabledTools: entry.disabled_tools ?? [],
    scopes: entry.scopes,
    ...(entry.command === undefined ? { oauth: oauthSettings(entry, config) } : {}),
    supportsParallelToolCalls: entry.supports_parallel_tool_calls ?? false,
    ...(entry.default_tools_approval_mode === undefined
      ? {}
      : { defaultToolsApprovalMode: entry.default_tools_approval_mode }),
    toolApprovalModes: toolApprovalModes(entry),
  }));
}

type Entry = Config["mcp_servers"][string];

function startupTimeoutOf(entry: Entry): number {
  if (entry.startup_timeout_sec !== undefined) return entry.startup_timeout_sec * 1000;
  return entry.startup_timeout_ms ?? STARTUP_TIMEOUT_MS;
}

function oauthSettings({ oauth, oauth_resource }: Entry, config: Config): McpOAuthSettings {
  return {
    store: config.mcp_oauth_credentials_store,
    clientId: oauth?.client_id,
    clientSecret: oauth?.client_secret,
    resource: oauth_resource,
    callbackPort: config.mcp_oauth_callback_port,
    callbackUrl: oauth?.callback_url ?? config.mcp_oauth_callback_url,
  };
}

function toolApprovalModes(entry: Entry): ReadonlyMap<string, ToolApprovalMode> {
  return new Map(
    Object.entries(entry.tools ?? {}).flatMap(([tool, { approval_mode: mode }]) =>
      mode === undefined ? [] : [[tool, mode] as const],
    ),
  );
}

function transportOf(entry: Entry): McpTransport {
  if (entry.command === undefined) {
    return {
      type: "http",
      url: entry.url ?? "",
      bearerTokenEnvVar: entry.bearer_token_env_var,
      httpHeaders: entry.http_headers ?? {},
      envHttpHeaders: entry.env_http_headers ?? {},
      ...(entry.http_headers_helper === undefined ? {} : { httpHeadersHelper: entry.http_headers_helper }),
    };
  }
  return {
    type: "stdio",
    command: entry.command,
    args: entry.args ?? [],
    env: entry.env ?? {},
    envVars: (entry.env_vars ?? []).map((variable) => (typeof variable === "string" ? variable : variable.name)),
    cwd: entry.cwd,
  };
}
