import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CliRun } from "../support/spawn-cli.ts";
import { requirement } from "./cite.ts";
import { useStage } from "./stage.ts";

const stage = useStage();

const CONFIG = `model = "gpt-5.2-codex" # mine
[mcp_servers.docs]
command = "docs-server"
args = ["--port", "4000"]
cwd = "/tmp"
env_vars = ["ZED"]
startup_timeout_sec = 12.5
tool_timeout_sec = 30
enabled_tools = ["x", "y"]
disabled_tools = ["z"]
[mcp_servers.docs.env]
TOKEN = "s"
[mcp_servers.bare]
command = "bare"
[mcp_servers.off]
command = "off"
enabled = false
[mcp_servers.web]
url = "http://127.0.0.1:9/mcp"
bearer_token_env_var = "TOK"
[mcp_servers.web.http_headers]
X-A = "secret"
[mcp_servers.web.env_http_headers]
X-B = "ENVB"
[mcp_servers.plain]
url = "http://127.0.0.1:9/p"
startup_timeout_ms = 1500
`;

/** How JSON describes the first of them. */
const DOCS = {
  name: "docs",
  enabled: true,
  disabled_reason: null,
  transport: {
    type: "stdio",
    command: "docs-server",
    args: ["--port", "4000"],
    env: { TOKEN: "s" },
    env_vars: ["ZED"],
    cwd: "/tmp",
  },
};

/** `codex mcp …` over a config.toml. */
async function homeWith(configToml: string) {
  const world = await stage.world({ configToml });
  const run = (...args: string[]): Promise<CliRun> => world.run({ argv: ["mcp", ...args] });
  const printed = async (...args: string[]) => {
    const { code, stdout } = await run(...args);
    return { code, stdout };
  };
  return { run, printed, text: () => readFileSync(join(world.codexHome, "config.toml"), "utf8") };
}

const printed = (stdout: string) => ({ code: 0, stdout });
/** Lines without the spaces that fill the last column. */
const trimmed = (text: string) => text.split("\n").map((line) => line.trimEnd());

requirement(["mcp.list.empty", "mcp.list.empty-json"], "mcp list without servers", async () => {
  const { printed: run } = await homeWith("");
  expect(await run("list")).toEqual(
    printed("No MCP servers configured yet. Try `codex mcp add my-tool -- my-command`.\n"),
  );
  expect(await run("list", "--json")).toEqual(printed("[]\n"));
});

requirement(["mcp.list.tables", "mcp.list.sorted", "mcp.list.masked", "mcp.list.auth"], "mcp list", async () => {
  const { printed: run } = await homeWith(CONFIG);
  const { code, stdout } = await run("list");
  expect(code).toBe(0);
  expect(trimmed(stdout)).toEqual([
    "Name  Command      Args         Env                     Cwd   Status    Auth",
    "bare  bare         -            -                       -     enabled   Unsupported",
    "docs  docs-server  --port 4000  TOKEN=*****, ZED=*****  /tmp  enabled   Unsupported",
    "off   off          -            -                       -     disabled  Unsupported",
    "",
    "Name   Url                     Bearer Token Env Var  Status   Auth",
    "plain  http://127.0.0.1:9/p    -                     enabled  Unsupported",
    "web    http://127.0.0.1:9/mcp  TOK                   enabled  Bearer token",
    "",
  ]);
});

requirement(["mcp.list.json", "mcp.list.json-unmasked", "mcp.list.json-auth"], "mcp list --json", async () => {
  const { printed: run } = await homeWith(CONFIG);
  const { code, stdout } = await run("list", "--json");
  expect(code).toBe(0);
  expect(stdout).toStartWith('[\n  {\n    "name": "bare",\n    "enabled": true,\n    "disabled_reason": null,\n');
  const all = JSON.parse(stdout) as Record<string, unknown>[];
  expect(all.map(({ name, auth_status }) => [name, auth_status])).toEqual([
    ["bare", "unsupported"],
    ["docs", "unsupported"],
    ["off", "unsupported"],
    ["plain", "unsupported"],
    ["web", "bearer_token"],
  ]);
  expect(all[1]).toEqual({
    ...DOCS,
    startup_timeout_sec: 12.5,
    tool_timeout_sec: 30,
    auth_status: "unsupported",
  });
  expect(all[3]).toMatchObject({ startup_timeout_sec: 1.5 });
  expect(all[4]?.transport).toEqual({
    type: "streamable_http",
    url: "http://127.0.0.1:9/mcp",
    bearer_token_env_var: "TOK",
    http_headers: { "X-A": "secret" },
    env_http_headers: { "X-B": "ENVB" },
  });
});

requirement(["mcp.get.stdio", "mcp.get.http", "mcp.get.disabled"], "mcp get", async () => {
  const { printed: run } = await homeWith(CONFIG);
  expect(await run("get", "docs")).toEqual(
    printed(`docs
  enabled: true
  enabled_tools: x, y
  disabled_tools: z
  transport: stdio
  command: docs-server
  args: --port 4000
  cwd: /tmp
  env: TOKEN=*****, ZED=*****
  startup_timeout_sec: 12.5
  tool_timeout_sec: 30
  remove: codex mcp remove docs
`),
  );
  expect(await run("get", "web")).toEqual(
    printed(`web
  enabled: true
  transport: streamable_http
  url: http://127.0.0.1:9/mcp
  bearer_token_env_var: TOK
  http_headers: X-A=*****
  env_http_headers: X-B=ENVB
  remove: codex mcp remove web
`),
  );
  expect(await run("get", "off")).toEqual(printed("off (disabled)\n"));
});

requirement(["mcp.get.json"], "mcp get --json", async () => {
  const { printed: run } = await homeWith(CONFIG);
  const { code, stdout } = await run("get", "docs", "--json");
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    ...DOCS,
    enabled_tools: ["x", "y"],
    disabled_tools: ["z"],
    startup_timeout_sec: 12.5,
    tool_timeout_sec: 30,
  });
});

requirement(
  ["mcp.get.missing", "mcp.login.missing", "mcp.login.stdio", "mcp.logout.missing", "mcp.logout.stdio"],
  "servers that a command is not for",
  async () => {
    const { run } = await homeWith(CONFIG);
    const refusals: [string[], string][] = [
      [["get", "nope"], "Error: No MCP server named 'nope' found.\n"],
      [["login", "nope"], "Error: No MCP server named 'nope' found.\n"],
      [["login", "docs"], "Error: OAuth login is only supported for streamable HTTP servers.\n"],
      [["logout", "nope"], "Error: No MCP server named 'nope' found in configuration.\n"],
      [["logout", "docs"], "Error: OAuth logout is only supported for streamable_http transports.\n"],
    ];
    for (const [args, stderr] of refusals) expect(await run(...args)).toMatchObject({ code: 1, stdout: "", stderr });
  },
);

requirement(
  ["mcp.add.stdio", "mcp.add.env", "mcp.remove.removes", "mcp.remove.missing"],
  "add and remove",
  async () => {
    const { printed: run, text } = await homeWith('model = "m" # mine\n');
    const args = ["--env", "A=b=c", "--env", "B=", "--", "cmd", "-x", "--y", "z"];
    expect(await run("add", "n", ...args)).toEqual(printed("Added global MCP server 'n'.\n"));
    const { mcp_servers } = Bun.TOML.parse(text()) as { mcp_servers: unknown };
    expect(mcp_servers).toEqual({ n: { command: "cmd", args: ["-x", "--y", "z"], env: { A: "b=c", B: "" } } });
    expect(text()).toStartWith('model = "m" # mine\n');
    expect(await run("remove", "n")).toEqual(printed("Removed global MCP server 'n'.\n"));
    expect(text()).not.toContain("cmd");
    expect(await run("remove", "n")).toEqual(printed("No MCP server named 'n' found.\n"));
  },
);

requirement(["mcp.add.replaces", "mcp.add.url", "mcp.add.trailing"], "what add writes", async () => {
  const { printed: run, text } = await homeWith("");
  const added = printed("Added global MCP server 'u'.\n");
  expect(await run("add", "u", "npx", "-y", "docs", "--env", "C=d")).toEqual(added);
  expect(Bun.TOML.parse(text())).toMatchObject({
    mcp_servers: { u: { command: "npx", args: ["-y", "docs", "--env", "C=d"] } },
  });
  const url = "http://127.0.0.1:9/u";
  expect(await run("add", "u", "--url", url, "--bearer-token-env-var", "TT")).toEqual(added);
  expect(Bun.TOML.parse(text())).toEqual({ mcp_servers: { u: { url, bearer_token_env_var: "TT" } } });
});

requirement(
  [
    "mcp.add.nothing",
    "mcp.add.both",
    "mcp.add.url-env",
    "mcp.add.token-without-url",
    "mcp.add.bad-env",
    "mcp.add.bad-name",
  ],
  "what add refuses",
  async () => {
    const refusals: [string[], number, string][] = [
      [["x"], 2, "<COMMAND|--url <URL>>"],
      [["x", "--url", "http://a", "--", "cmd"], 2, "the argument '--url <URL>' cannot be used with '[COMMAND]...'"],
      [["x", "--url", "http://a", "--env", "A=b"], 1, "Error: command is required"],
      [["x", "--bearer-token-env-var", "T", "--", "cmd"], 2, "error: "],
      [
        ["x", "--env", "NOEQ", "--", "cmd"],
        2,
        "invalid value 'NOEQ' for '--env <KEY=VALUE>': environment entries must be in KEY=VALUE form",
      ],
      [["bad name", "--", "cmd"], 1, "Error: invalid server name 'bad name' (use letters, numbers, '-', '_')"],
    ];
    for (const [args, code, words] of refusals) {
      const { run, text } = await homeWith("");
      expect(await run("add", ...args)).toMatchObject({ code, stdout: "", stderr: expect.stringContaining(words) });
      expect(text()).toBe("");
    }
  },
);

const OURS = "the release writes the table of servers anew";
const NEW = "the release has no such command";

requirement(
  ["mcp.add.keeps"],
  "what add leaves alone",
  async () => {
    const config = CONFIG.replace('["z"]\n', '["z"]\nlater_key = true # kept\n').replace("bare]", "bare] # small");
    const { printed: run, text } = await homeWith(config);
    expect((await run("add", "n", "--", "cmd")).code).toBe(0);
    expect(text()).toStartWith(config);
    expect((await run("remove", "n")).code).toBe(0);
    expect(text().trimEnd()).toBe(config.trimEnd());
  },
  { differs: OURS },
);

requirement(
  ["mcp.enable.switches"],
  "enable and disable",
  async () => {
    const { printed: run, text } = await homeWith(CONFIG);
    expect(await run("enable", "off")).toEqual(printed("MCP server 'off' is enabled.\n"));
    expect(text()).toBe(CONFIG.replace('"off"\nenabled = false', '"off"\nenabled = true'));
    expect(await run("disable", "off")).toEqual(printed("MCP server 'off' is disabled.\n"));
    expect(text()).toBe(CONFIG);
  },
  { differs: NEW },
);

const RAW_SERVER = fileURLToPath(new URL("../support/mcp-server-raw.ts", import.meta.url));

requirement(
  ["mcp.test.starts", "mcp.test.fails"],
  "mcp test",
  async () => {
    const tiny = `[mcp_servers.tiny]\ncommand = ${JSON.stringify(process.execPath)}\nargs = ${JSON.stringify([RAW_SERVER, "tiny"])}\n`;
    const { run } = await homeWith(`${tiny}[mcp_servers.gone]\ncommand = "/no/such/server"\n`);
    const tested = await run("test", "tiny");
    expect(tested.code).toBe(0);
    expect(tested.stdout).toMatch(/^tiny: ready in \d+ ms, \d+ tools\n {2}echo\n/);
    expect(await run("test", "gone")).toMatchObject({
      code: 1,
      stderr:
        "Error: MCP client for `gone` failed to start: MCP startup failed: No such file or directory (os error 2)\n",
    });
  },
  { differs: NEW },
);
