import { expect, test } from "bun:test";
import { settingsOf } from "./fixture.ts";

test("MCP servers", async () => {
  const { mcpServers } = await settingsOf(`
mcp_oauth_callback_port = 4000
[mcp_servers.local]
command = "srv"
args = ["-v"]
env = { A = "1" }
env_vars = ["B", { name = "C" }]
cwd = "/srv"
startup_timeout_sec = 2.5
startup_timeout_ms = 9
tool_timeout_sec = 0
enabled_tools = ["a"]
disabled_tools = ["b"]
required = true
default_tools_approval_mode = "prompt"
[mcp_servers.local.tools.a]
approval_mode = "approve"
[mcp_servers.local.tools."odd name"]
approval_mode = "writes"
[mcp_servers.local.tools.b]
[mcp_servers.remote]
url = "https://x/mcp"
bearer_token_env_var = "T"
http_headers = { H = "h" }
env_http_headers = { E = "V" }
startup_timeout_ms = 1500
scopes = ["s"]
http_headers_helper = "print-headers"
oauth = { client_id = "c", client_secret = "d" }
oauth_resource = "https://x"
enabled = false
[mcp_servers.plain]
command = "p"
`);
  expect(mcpServers).toEqual([
    {
      name: "local",
      transport: { type: "stdio", command: "srv", args: ["-v"], env: { A: "1" }, envVars: ["B", "C"], cwd: "/srv" },
      enabled: true,
      required: true,
      startupTimeoutMs: 2500,
      toolTimeoutMs: 0,
      enabledTools: ["a"],
      disabledTools: ["b"],
      scopes: undefined,
      supportsParallelToolCalls: false,
      defaultToolsApprovalMode: "prompt",
      toolApprovalModes: new Map([
        ["a", "approve"],
        ["odd name", "writes"],
      ]),
    },
    {
      name: "remote",
      transport: {
        type: "http",
        url: "https://x/mcp",
        bearerTokenEnvVar: "T",
        httpHeaders: { H: "h" },
        envHttpHeaders: { E: "V" },
        httpHeadersHelper: "print-headers",
      },
      enabled: false,
      required: false,
      startupTimeoutMs: 1500,
      toolTimeoutMs: 60_000,
      enabledTools: undefined,
      disabledTools: [],
      scopes: ["s"],
      oauth: {
        store: "auto",
        clientId: "c",
        clientSecret: "d",
        resource: "https://x",
        callbackPort: 4000,
        callbackUrl: undefined,
      },
      supportsParallelToolCalls: false,
      toolApprovalModes: new Map(),
    },
    {
      name: "plain",
      transport: { type: "stdio", command: "p", args: [], env: {}, envVars: [], cwd: undefined },
      enabled: true,
      required: false,
      startupTimeoutMs: 10_000,
      toolTimeoutMs: 60_000,
      enabledTools: undefined,
      disabledTools: [],
      scopes: undefined,
      supportsParallelToolCalls: false,
      toolApprovalModes: new Map(),
    },
  ]);
});
