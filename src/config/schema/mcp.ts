import {
  anything,
  either,
  flag,
  integer,
  listOf,
  mapOf,
  oneOf,
  optional,
  path,
  required,
  seconds,
  table,
  text,
  textList,
  textMap,
  withDefault,
} from "../kinds.ts";

const HTTP_ONLY = [
  ...["url", "bearer_token_env_var", "http_headers", "env_http_headers", "http_headers_helper"],
  ...["oauth", "oauth_resource"],
];
const STDIO_ONLY = ["args", "env", "env_vars", "cwd"];

/** A longer time is refused by Codex CLI as well. */
const MAX_SECONDS = 2 ** 64;

/** Which keys belong together: a server is either a program (command) or an address (url). */
function transportProblem(server: Readonly<Record<string, unknown>>): string | undefined {
  if (server.command !== undefined) {
    const wrong = HTTP_ONLY.find((key) => server[key] !== undefined);
    if (wrong !== undefined) return `${wrong} is not supported for stdio`;
  } else if (server.url !== undefined) {
    if (server.bearer_token !== undefined) {
      return "bearer_token is not supported for streamable_http; name a variable in bearer_token_env_var instead";
    }
    const wrong = STDIO_ONLY.find((key) => server[key] !== undefined);
    if (wrong !== undefined) return `${wrong} is not supported for streamable_http`;
  } else {
    return "invalid transport: expected `command` (a program) or `url` (an HTTP server)";
  }
  for (const key of ["startup_timeout_sec", "tool_timeout_sec"]) {
    const limit = server[key];
    if (typeof limit !== "number" && typeof limit !== "bigint") continue;
    if (limit < 0) return `${key} is negative`;
    if (!(limit < MAX_SECONDS)) return `${key} is too long or not a number`;
  }
  return undefined;
}

const envVar = either(
  text,
  table({ name: required(text, "Name of the variable"), source: optional(anything, "Where it is read") }),
  "a string or a table with `name`",
);

/** When a person is asked before a tool runs; `writes` is for tools that do not say they only read. */
const TOOL_APPROVAL = oneOf(["auto", "prompt", "writes", "approve"]);

/** One entry of `mcp_servers`. */
export const MCP_SERVER = table(
  {
    command: optional(text, "Program to run; the server is spoken to over its standard input and output"),
    args: optional(textList, "Its arguments"),
    env: optional(textMap, "Its environment variables"),
    env_vars: optional(listOf(envVar), "Names of variables it gets from our environment"),
    cwd: optional(path, "Its working folder"),
    url: optional(text, "Address of a server that speaks streamable HTTP"),
    bearer_token_env_var: optional(text, "Environment variable that holds the bearer token"),
    bearer_token: optional(text, "Always refused: a token does not belong in this file"),
    http_headers: optional(textMap, "Headers added to every request"),
    env_http_headers: optional(textMap, "Headers whose values are read from environment variables"),
    enabled: withDefault(flag, true, "false keeps the entry without starting the server"),
    required: withDefault(flag, false, "Stop with an error when the server cannot start (headless and app-server)"),
    startup_timeout_sec: optional(seconds, "Limit for starting, in seconds", { defaultText: "10" }),
    startup_timeout_ms: optional(integer("u64"), "The same in milliseconds; startup_timeout_sec wins"),
    tool_timeout_sec: withDefault(seconds, 60, "Limit for one call, in seconds"),
    enabled_tools: optional(textList, "Only these tools are offered"),
    disabled_tools: optional(textList, "These tools are not offered"),
    scopes: optional(textList, "OAuth scopes to ask for"),
    http_headers_helper: optional(
      text,
      "Command whose standard output is a JSON object of headers, added to every request",
      { since: "0.169" },
    ),
    auth: optional(oneOf(["oauth", "chatgpt", "ema_auth"]), "How to log in", {
      since: "0.169",
      unused: "a login is always OAuth",
    }),
    oauth: optional(
      table({
        client_id: optional(text, "Client registered with the authorization server", {
          since: "0.169",
          defaultText: "registered at login",
        }),
        client_secret: optional(text, "Its secret, if it has one", { since: "0.169" }),
        callback_url: optional(text, "As mcp_oauth_callback_url, for this server", { since: "0.169" }),
      }),
      "The OAuth client to log in as",
      { since: "0.169" },
    ),
    oauth_resource: optional(text, "Resource named in OAuth requests", {
      since: "0.169",
      defaultText: "what the server names",
    }),
    supports_parallel_tool_calls: optional(flag, "Calls to it may overlap other calls", {
      since: "0.169",
      defaultText: "false",
    }),
    default_tools_approval_mode: optional(
      TOOL_APPROVAL,
      "Which calls a person is asked about: of tools that may do harm, all, of tools that do not only read, none",
      { since: "0.169", defaultText: "approve" },
    ),
    tools: optional(
      mapOf(
        table({
          approval_mode: optional(TOOL_APPROVAL, "The same for this tool alone", {
            since: "0.169",
            defaultText: "the server's",
          }),
        }),
        "tool",
      ),
      "Settings of single tools, under the names the server gives them",
      { since: "0.169" },
    ),
    name: optional(anything, "Display name", { unused: "the key of the entry is the name" }),
  },
  { check: transportProblem },
);

/** The keys of an entry that mean something. */
export const MCP_SERVER_KEYS = MCP_SERVER.kind === "table" ? Object.keys(MCP_SERVER.fields) : [];

export const MCP_FIELDS = {
  mcp_oauth_credentials_store: withDefault(
    oneOf(["auto", "file", "keyring"]),
    "auto",
    "Where OAuth tokens of MCP servers are kept",
  ),
  mcp_oauth_callback_port: optional(integer("u16"), "Port for the OAuth answer", { defaultText: "any free port" }),
  mcp_oauth_callback_url: optional(
    text,
    "Address the browser is sent to after a login, where it is another than the one listened on",
    { since: "0.169", defaultText: "http://127.0.0.1:PORT/callback" },
  ),
};
