import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { type CliRun, runCli } from "../../support/spawn-cli.ts";
import { tempHome } from "../../support/temp-home.ts";

const RAW = join(import.meta.dir, "../../support/mcp-server-raw.ts");

const CONFIG = `model = "gpt-5.2-codex" # mine
[mcp_servers.docs] # the docs
command = "docs-server"
args = ["--port", "4000"]
cwd = "/tmp"
env_vars = ["ZED"]
startup_timeout_sec = 12.5
tool_timeout_sec = 30
enabled_tools = ["x", "y"]
disabled_tools = ["z"]
later_key = true
[mcp_servers.docs.env]
TOKEN = "s"
A = "b"
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

/** A home with this configuration, and `codex mcp …` in it. */
async function homeWith(config: string | undefined) {
  const home = await tempHome();
  const file = join(home.root, ".codex/config.toml");
  mkdirSync(join(home.root, ".codex"));
  if (config !== undefined) home.write(".codex/config.toml", config);
  const run = (...args: string[]): Promise<CliRun> => runCli(["mcp", ...args], { home: home.root, cwd: home.cwd });
  return {
    run,
    file,
    text: () => readFileSync(file, "utf8"),
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  };
}

const outcome = ({ code, stdout, stderr }: CliRun) => ({ code, stdout, stderr });
const printed = (stdout: string) => ({ code: 0, stdout, stderr: "" });

describe("looking", () => {
  let at: Awaited<ReturnType<typeof homeWith>>;
  beforeAll(async () => {
    at = await homeWith(CONFIG);
  });
  afterAll(() => at[Symbol.asyncDispose]());

  test("list", async () => {
    expect(outcome(await at.run("list"))).toEqual(
      printed(
        [
          "Name  Command      Args         Env                              Cwd   Status    Auth       ",
          "bare  bare         -            -                                -     enabled   Unsupported",
          "docs  docs-server  --port 4000  A=*****, TOKEN=*****, ZED=*****  /tmp  enabled   Unsupported",
          "off   off          -            -                                -     disabled  Unsupported",
          "",
          "Name   Url                     Bearer Token Env Var  Status   Auth        ",
          "plain  http://127.0.0.1:9/p    -                     enabled  Unsupported ",
          "web    http://127.0.0.1:9/mcp  TOK                   enabled  Bearer token",
          "",
        ].join("\n"),
      ),
    );
  });

  test("list --json", async () => {
    const { stdout } = await at.run("list", "--json");
    expect(stdout).toStartWith('[\n  {\n    "name": "bare",\n    "enabled": true,\n    "disabled_reason": null,\n');
    const all = JSON.parse(stdout) as { name: string }[];
    expect(all.map(({ name }) => name)).toEqual(["bare", "docs", "off", "plain", "web"]);
    expect(all[1]).toEqual({
      name: "docs",
      enabled: true,
      disabled_reason: null,
      transport: {
        type: "stdio",
        command: "docs-server",
        args: ["--port", "4000"],
        env: { TOKEN: "s", A: "b" },
        env_vars: ["ZED"],
        cwd: "/tmp",
      },
      startup_timeout_sec: 12.5,
      tool_timeout_sec: 30,
      auth_status: "unsupported",
    } as never);
    expect(all[3]).toMatchObject({ startup_timeout_sec: 1.5, tool_timeout_sec: null, auth_status: "unsupported" });
    expect(all[4]).toMatchObject({
      transport: {
        type: "streamable_http",
        bearer_token_env_var: "TOK",
        http_headers: { "X-A": "secret" },
        env_http_headers: { "X-B": "ENVB" },
      },
      auth_status: "bearer_token",
    });
  });

  test("get", async () => {
    expect(outcome(await at.run("get", "docs"))).toEqual(
      printed(`docs
  enabled: true
  enabled_tools: x, y
  disabled_tools: z
  transport: stdio
  command: docs-server
  args: --port 4000
  cwd: /tmp
  env: A=*****, TOKEN=*****, ZED=*****
  startup_timeout_sec: 12.5
  tool_timeout_sec: 30
  remove: codex mcp remove docs
`),
    );
    expect((await at.run("get", "web")).stdout).toBe(`web
  enabled: true
  transport: streamable_http
  url: http://127.0.0.1:9/mcp
  bearer_token_env_var: TOK
  http_headers: X-A=*****
  env_http_headers: X-B=ENVB
  remove: codex mcp remove web
`);
    expect((await at.run("get", "off")).stdout).toBe("off (disabled)\n");
    expect(JSON.parse((await at.run("get", "bare", "--json")).stdout)).toEqual({
      name: "bare",
      enabled: true,
      disabled_reason: null,
      transport: { type: "stdio", command: "bare", args: [], env: null, env_vars: [], cwd: null },
      enabled_tools: null,
      disabled_tools: null,
      startup_timeout_sec: null,
      tool_timeout_sec: null,
    });
  });

  test.each([
    [["get", "nope"], "Error: No MCP server named 'nope' found.\n"],
    [["test", "nope"], "Error: No MCP server named 'nope' found.\n"],
    [["enable", "nope"], "Error: No MCP server named 'nope' found.\n"],
    [["login", "nope"], "Error: No MCP server named 'nope' found.\n"],
    [["login", "docs"], "Error: OAuth login is only supported for streamable HTTP servers.\n"],
    [["logout", "nope"], "Error: No MCP server named 'nope' found in configuration.\n"],
    [["logout", "docs"], "Error: OAuth logout is only supported for streamable_http transports.\n"],
    [
      ["test", "docs"],
      "Error: MCP client for `docs` failed to start: MCP startup failed: No such file or directory (os error 2)\n",
    ],
  ])("%j", async (args, stderr) => {
    expect(outcome(await at.run(...args))).toEqual({ code: 1, stdout: "", stderr });
  });

  test("logout of what was never logged in", async () => {
    expect(outcome(await at.run("logout", "web"))).toEqual(printed("No OAuth credentials stored for 'web'.\n"));
  });

  test("-c adds to what is configured", async () => {
    expect((await at.run("-c", 'mcp_servers.new.command="n"', "get", "new")).stdout).toContain("command: n\n");
    expect((await at.run("get", "new", "-c", 'mcp_servers.new.command="n"')).stdout).toContain("command: n\n");
  });
});

test("nothing configured", async () => {
  await using at = await homeWith(undefined);
  expect(outcome(await at.run("list"))).toEqual(
    printed("No MCP servers configured yet. Try `codex mcp add my-tool -- my-command`.\n"),
  );
  expect((await at.run("list", "--json")).stdout).toBe("[]\n");
});

describe("writing", () => {
  test("add and remove leave everything else as it was", async () => {
    await using at = await homeWith(CONFIG);
    const added = await at.run("add", "n", "--env", "A=b=c", "--env", "B=", "--", "cmd", "-x", "--y", "z");
    expect(outcome(added)).toEqual(printed("Added global MCP server 'n'.\n"));
    expect(at.text()).toBe(
      `${CONFIG}\n[mcp_servers.n]\ncommand = "cmd"\nargs = ["-x", "--y", "z"]\n\n[mcp_servers.n.env]\nA = "b=c"\nB = ""\n`,
    );
    expect(outcome(await at.run("remove", "n"))).toEqual(printed("Removed global MCP server 'n'.\n"));
    expect(at.text()).toBe(`${CONFIG}\n`);
    expect(outcome(await at.run("remove", "n"))).toEqual(printed("No MCP server named 'n' found.\n"));
  });

  test("add replaces, with --url too, and makes the file", async () => {
    await using at = await homeWith(undefined);
    await at.run("add", "u", "--", "cmd");
    const added = await at.run("add", "u", "--url", "http://127.0.0.1:9/u", "--bearer-token-env-var", "TT");
    expect(outcome(added)).toEqual(printed("Added global MCP server 'u'.\n"));
    expect(at.text()).toBe('[mcp_servers.u]\nurl = "http://127.0.0.1:9/u"\nbearer_token_env_var = "TT"\n');
  });

  test("what follows a program without -- is the program's, as with Codex CLI", async () => {
    await using at = await homeWith(undefined);
    const added = await at.run(
      "add",
      "n",
      "--env",
      "A=b",
      "npx",
      "-y",
      "docs",
      "-c",
      "x=y",
      "--env",
      "C=d",
      "--",
      "-h",
    );
    expect(outcome(added)).toEqual(printed("Added global MCP server 'n'.\n"));
    expect(at.text()).toBe(
      '[mcp_servers.n]\ncommand = "npx"\nargs = ["-y", "docs", "-c", "x=y", "--env", "C=d", "--", "-h"]\n\n[mcp_servers.n.env]\nA = "b"\n',
    );
    const before = await at.run("add", "--env=A=b", "m", "npx", "--url");
    expect(outcome(before)).toEqual(printed("Added global MCP server 'm'.\n"));
    expect(at.text()).toContain('args = ["--url"]');
  });

  test("processes at once undo nothing of each other", async () => {
    await using at = await homeWith(CONFIG);
    const names = Array.from({ length: 8 }, (_, n) => `n${n}`);
    await Promise.all(names.map((name) => at.run("add", name, "--", "cmd")));
    for (const name of names) expect(at.text()).toContain(`[mcp_servers.${name}]`);
    await Promise.all(names.map((name) => at.run("remove", name)));
    expect(at.text().trim()).toBe(CONFIG.trim());
  });

  test("a link stays one, also where it leads to nothing yet", async () => {
    await using at = await homeWith(undefined);
    const target = join(at.file, "../../dotfiles/codex.toml");
    symlinkSync("../dotfiles/codex.toml", at.file);
    await at.run("add", "a", "--", "one");
    await at.run("add", "b", "--", "two");
    expect(lstatSync(at.file).isSymbolicLink()).toBe(true);
    expect(readFileSync(target, "utf8")).toContain('[mcp_servers.b]\ncommand = "two"');
  });

  test("enable and disable keep comments and unknown keys", async () => {
    await using at = await homeWith(CONFIG);
    expect(outcome(await at.run("disable", "docs"))).toEqual(printed("MCP server 'docs' is disabled.\n"));
    expect(at.text()).toBe(CONFIG.replace("later_key = true\n", "later_key = true\nenabled = false\n"));
    expect(outcome(await at.run("enable", "off"))).toEqual(printed("MCP server 'off' is enabled.\n"));
    expect(outcome(await at.run("enable", "docs"))).toEqual(printed("MCP server 'docs' is enabled.\n"));
    const both = CONFIG.replace("later_key = true\n", "later_key = true\nenabled = true\n");
    expect(at.text()).toBe(both.replace('"off"\nenabled = false', '"off"\nenabled = true'));
  });

  test("a server of another file is not switched half", async () => {
    await using at = await homeWith(undefined);
    const { code, stderr } = await at.run("-c", 'mcp_servers.new.command="n"', "disable", "new");
    expect(code).toBe(1);
    expect(stderr).toContain("set enabled = false there");
    expect(existsSync(at.file)).toBe(false);
  });

  test.each([
    [["add", "x"], 2, "<COMMAND|--url <URL>>"],
    [["add"], 2, "error: "],
    [
      ["add", "x", "--url", "http://a", "--", "cmd"],
      2,
      "the argument '--url <URL>' cannot be used with '[COMMAND]...'",
    ],
    [["add", "x", "--url", "http://a", "--env", "A=b"], 1, "Error: command is required"],
    [
      ["add", "x", "--bearer-token-env-var", "T", "--", "cmd"],
      2,
      "the following required argument was not provided: url",
    ],
    [
      ["add", "x", "--env", "NOEQ", "--", "cmd"],
      2,
      "invalid value 'NOEQ' for '--env <KEY=VALUE>': environment entries must be in KEY=VALUE form",
    ],
    [["add", "bad name", "--", "cmd"], 1, "Error: invalid server name 'bad name' (use letters, numbers, '-', '_')"],
    [["remove", "bad name"], 1, "Error: invalid server name 'bad name' (use letters, numbers, '-', '_')"],
    [["get"], 2, "error: "],
    [[], 2, "Usage: codex mcp"],
  ] as const)("%j is refused and writes nothing", async (args, code, words) => {
    await using at = await homeWith(undefined);
    const run = await at.run(...args);
    expect(run.code).toBe(code);
    expect(run.stdout).toBe("");
    expect(run.stderr).toContain(words);
    expect(existsSync(at.file)).toBe(false);
  });
});

test("test shows names as plain text, and which of two with one name counts", async () => {
  const config = `[mcp_servers.hostile]\ncommand = ${JSON.stringify(process.execPath)}\nargs = ["${RAW}", "hostile"]\n`;
  await using at = await homeWith(config);
  const { code, stdout } = await at.run("test", "hostile");
  expect(code).toBe(0);
  expect(stdout.split("\n").slice(1)).toEqual([
    "  a.b",
    "  a b (not offered: an earlier tool has this name)",
    "  a.b (not offered: an earlier tool has this name)",
    "  ünï",
    `  ${"x".repeat(70)}`,
    "  __proto__",
    "   \ufffd",
    "  schemaless",
    "  odd",
    "",
  ]);
});

test("test says which tools only run as tasks, and the model does not get them", async () => {
  const config = `[mcp_servers.t]\ncommand = ${JSON.stringify(process.execPath)}\nargs = ["${RAW}", "tasks"]\n`;
  await using at = await homeWith(config);
  const { code, stdout } = await at.run("test", "t");
  expect(code).toBe(0);
  expect(stdout.split("\n").slice(1)).toEqual([
    "  now",
    "  later (not offered: it runs as a task only, which Codex cannot follow)",
    "  either",
    "",
  ]);
  const listed = JSON.parse((await at.run("test", "t", "--json")).stdout).tools as { name: string; offered: boolean }[];
  expect(listed.map(({ name, offered }) => [name, offered])).toEqual([
    ["now", true],
    ["later", false],
    ["either", true],
  ]);
});

test("test counts one tool as one", async () => {
  const config = `[mcp_servers.t]\ncommand = ${JSON.stringify(process.execPath)}\nargs = ["${RAW}", "meeting"]\n`;
  await using at = await homeWith(config);
  expect((await at.run("test", "t")).stdout).toMatch(/^t: ready in \d+ ms, 1 tool\n {2}meet\n$/);
});

describe("a configuration with a mistake", () => {
  test.each(["list", "get x", "test x", "login x", "logout x", "enable x"])("%s", async (words) => {
    await using at = await homeWith('[mcp_servers.x]\ncommand = "a"\nurl = "http://127.0.0.1:9/"\n');
    expect(outcome(await at.run(...words.split(" ")))).toEqual({
      code: 1,
      stdout: "",
      stderr: `Error: failed to load configuration

Caused by:
    0: ${at.file}:1:1: url is not supported for stdio
         |
       1 | [mcp_servers.x]
         | ^^^^^^^^^^^^^^^
       in \`mcp_servers.x\`
`,
    });
  });

  test("on the command line has no place", async () => {
    await using at = await homeWith("");
    const { code, stderr } = await at.run("list", "-c", "mcp_servers.x=5");
    expect(code).toBe(1);
    expect(stderr).toStartWith("Error: failed to load configuration\n\nCaused by:\n    0: ");
    expect(stderr).toEndWith("\n       in `mcp_servers.x`\n");
  });
});

test("test starts the server and keeps its list", async () => {
  const config = `[mcp_servers.tiny]\ncommand = ${JSON.stringify(process.execPath)}\nargs = ["${RAW}", "pages"]\ndisabled_tools = ["add"]\n`;
  await using at = await homeWith(config);
  const { code, stdout } = await at.run("test", "tiny");
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^tiny: ready in \d+ ms, 2 tools\n {2}echo\n {2}add \(not offered: enabled_tools or disabled_tools leaves it out\)\n$/,
  );
  expect(JSON.parse((await at.run("test", "tiny", "--json")).stdout)).toEqual({
    name: "tiny",
    elapsed_ms: expect.any(Number),
    tools: [
      { name: "echo", qualified_name: "mcp__tiny__echo", description: "Echo", offered: true },
      { name: "add", qualified_name: "mcp__tiny__add", description: "Add", offered: false },
    ],
  });
  expect(existsSync(join(at.file, "../cache/mcp-tools"))).toBe(true);
});
