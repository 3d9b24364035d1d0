import { expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { McpRequestError } from "#mcp/connection.ts";
import { rawServer } from "../support/mcp-settings.ts";
import { isGone } from "../support/processes.ts";
import { mcpStage, NEVER } from "./mcp-stage.ts";

const WAIT = 30_000;

test(
  "a server is started once, shakes hands as Codex does and is offered by name",
  async () => {
    await using at = await mcpStage([]);
    const log = join(at.home.root, "log");
    await using session = at.again([rawServer("tiny", { log })]);
    await session.settled();
    await session.settled();
    expect(session.statuses).toEqual([
      ["tiny", { type: "starting" }],
      ["tiny", { type: "ready" }],
    ]);
    expect([...session.servers.tools.keys()].slice(0, 3)).toEqual([
      "mcp__tiny__add",
      "mcp__tiny__ask",
      "mcp__tiny__big",
    ]);
    expect(await session.text("tiny", "echo", { text: "hey" })).toBe("ECHO hey");
    const received = readFileSync(log, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(received).toMatchObject([
      {
        method: "initialize",
        params: {
          protocolVersion: "2025-06-18",
          capabilities: { elicitation: { form: {} } },
          clientInfo: { name: "codex-mcp-client", title: "Codex" },
        },
      },
      { method: "notifications/initialized" },
      { method: "tools/list", params: { _meta: { progressToken: expect.any(Number) } } },
      { method: "tools/call", params: { name: "echo", arguments: { text: "hey" } } },
    ]);
  },
  WAIT,
);

test(
  "its environment is a short list, its folder the session's",
  async () => {
    process.env.MCP_TEST_SECRET = "s";
    process.env.MCP_TEST_NAMED = "n";
    const settings = rawServer("tiny");
    if (settings.transport.type === "stdio") {
      settings.transport = {
        ...settings.transport,
        env: { GIVEN: "g", TERM: "mine" },
        envVars: ["MCP_TEST_NAMED", "MCP_NOPE"],
      };
    }
    await using at = await mcpStage([settings]);
    const { env, cwd } = JSON.parse(await at.text("tiny", "env"));
    delete process.env.MCP_TEST_SECRET;
    delete process.env.MCP_TEST_NAMED;
    expect(cwd).toBe(at.home.cwd);
    expect(env).toMatchObject({ GIVEN: "g", TERM: "mine", MCP_TEST_NAMED: "n", PATH: process.env.PATH });
    const allowed = [
      "HOME",
      "LOGNAME",
      "PATH",
      "SHELL",
      "USER",
      "LANG",
      "LC_ALL",
      "TERM",
      "TMPDIR",
      "TZ",
      "GIVEN",
      "MCP_TEST_NAMED",
    ];
    expect(Object.keys(env).filter((name) => !allowed.includes(name))).toEqual([]);
  },
  WAIT,
);

test(
  "with a stored list nothing is started until a tool is called",
  async () => {
    await using at = await mcpStage([rawServer("tiny")]);
    await at.settled();
    await using later = at.again([rawServer("tiny")]);
    await later.settled();
    expect(later.statuses).toEqual([]);
    expect([...later.servers.tools.keys()]).toEqual([...at.servers.tools.keys()]);
    expect(await later.text("tiny", "echo", { text: "2" })).toBe("ECHO 2");
    expect(later.statuses).toEqual([
      ["tiny", { type: "starting" }],
      ["tiny", { type: "ready" }],
    ]);
  },
  WAIT,
);

test(
  "lists that nobody asked for in a week are gone with the next that is stored",
  async () => {
    await using at = await mcpStage([rawServer("pages", { name: "one" })]);
    await at.settled();
    const folder = join(at.home.codexHome, "cache/mcp-tools");
    const [first = ""] = readdirSync(folder);
    await using second = at.again([rawServer("pages", { name: "two" })]);
    await second.settled();
    expect(readdirSync(folder)).toContain(first);
    const old = Date.now() / 1000 - 8 * 24 * 3600;
    utimesSync(join(folder, first), old, old);
    await using third = at.again([rawServer("pages", { name: "three" })]);
    await third.settled();
    expect(readdirSync(folder)).not.toContain(first);
    expect(readdirSync(folder)).toHaveLength(2);
  },
  WAIT,
);

test(
  "the stored list belongs to the settings, is private, and grows old",
  async () => {
    await using at = await mcpStage([rawServer("pages")]);
    await at.settled();
    expect([...at.servers.tools.keys()]).toEqual(["mcp__pages__add", "mcp__pages__echo"]);
    const folder = join(at.home.codexHome, "cache/mcp-tools");
    const file = join(folder, readdirSync(folder)[0] ?? "");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const moved = (ms: number) =>
      writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), saved_at: Date.now() - ms }));
    const server = (name: string) => at.again([rawServer("pages", { name })]).servers.all[0];
    const day = 24 * 3600 * 1000;
    expect(server("other")?.isListed).toBe(false);
    moved(day - 60_000);
    expect(server("pages")).toMatchObject({ isListed: true, isStale: false });
    moved(day + 60_000);
    expect(server("pages")).toMatchObject({ isListed: true, isStale: true });
    moved(7 * day + 60_000);
    expect(server("pages")?.isListed).toBe(false);
    // A clock that was wrong once must not keep a list for years.
    moved(-2 * day);
    expect(server("pages")).toMatchObject({ isListed: true, isStale: true });
    moved(-8 * day);
    expect(server("pages")?.isListed).toBe(false);
    writeFileSync(file, "{ not json");
    utimesSync(file, 0, 0);
    expect(server("pages")?.isListed).toBe(false);
  },
  WAIT,
);

test(
  "a list that the server changes replaces the stored one",
  async () => {
    await using at = await mcpStage([rawServer("tiny")]);
    await at.settled();
    expect(await at.text("tiny", "change")).toBe("changed");
    const names = () => [...at.servers.tools.keys()];
    for (let tries = 0; tries < 1000 && names().length !== 1; tries++) await Bun.sleep(20);
    expect(names()).toEqual(["mcp__tiny__fresh"]);
    expect([...at.again([rawServer("tiny")]).servers.tools.keys()]).toEqual(["mcp__tiny__fresh"]);
  },
  WAIT,
);

test(
  "enabled_tools lets through, disabled_tools takes away, disabled servers are not there",
  async () => {
    const filters = { enabledTools: ["echo", "add", "boom"], disabledTools: ["boom"] };
    await using at = await mcpStage([rawServer("tiny", filters), rawServer("silent", { enabled: false })]);
    await at.settled();
    expect([...at.servers.tools.keys()]).toEqual(["mcp__tiny__add", "mcp__tiny__echo"]);
  },
  WAIT,
);

test(
  "tools that only run as tasks are not offered, from a stored list either",
  async () => {
    await using at = await mcpStage([rawServer("tasks")]);
    await at.settled();
    const names = ["mcp__tasks__either", "mcp__tasks__now"];
    expect([...at.servers.tools.keys()]).toEqual(names);
    // Once from the list of the server, once from the offer of the session.
    expect([...at.again([rawServer("tasks")]).servers.tools.keys()]).toEqual(names);
    await at.servers.close();
    expect([...at.again([rawServer("tasks")]).servers.tools.keys()]).toEqual(names);
  },
  WAIT,
);

test(
  "a call waits for a server that is still starting",
  async () => {
    await using at = await mcpStage([rawServer("tiny")]);
    at.servers.begin(() => {});
    expect(await at.text("tiny", "echo", { text: "at once" })).toBe("ECHO at once");
  },
  WAIT,
);

test(
  "an aborted call tells the server",
  async () => {
    await using at = await mcpStage([]);
    const log = join(at.home.root, "log");
    await using session = at.again([rawServer("tiny", { log })]);
    await session.settled();
    const abort = new AbortController();
    const reason = new Error("enough");
    const call = session.servers.find("tiny")?.request("tools/call", { name: "slow" }, { signal: abort.signal });
    setTimeout(() => abort.abort(reason), 50);
    expect(await call?.catch((error: unknown) => error)).toBe(reason);
    const cancelled = () => readFileSync(log, "utf8").includes('"method":"notifications/cancelled"');
    for (let tries = 0; tries < 1000 && !cancelled(); tries++) await Bun.sleep(20);
    expect(cancelled()).toBe(true);
  },
  WAIT,
);

test(
  "a server that ended is started again by the next call",
  async () => {
    await using at = await mcpStage([rawServer("tiny")]);
    await at.settled();
    const first = JSON.parse(await at.text("tiny", "env")).pid;
    const error = await at.text("tiny", "die").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(McpRequestError);
    expect((error as McpRequestError).causes).toEqual(["tools/call failed: Transport closed"]);
    expect(JSON.parse(await at.text("tiny", "env")).pid).not.toBe(first);
  },
  WAIT,
);

test(
  "required servers that fail are named, all of them",
  async () => {
    const gone = rawServer("tiny", { name: "gone", required: true });
    if (gone.transport.type === "stdio") gone.transport = { ...gone.transport, command: "/no/such/program" };
    await using at = await mcpStage([
      gone,
      rawServer("silent", { required: true, startupTimeoutMs: 300 }),
      rawServer("tiny", { required: true }),
    ]);
    at.servers.begin(() => {});
    expect(at.servers.required({ signal: NEVER })).rejects.toThrow(
      "Fatal error: Failed to initialize session: required MCP servers failed to initialize: gone: No such file or directory (os error 2); silent: request timed out after 0.3 seconds",
    );
    await at.servers.required({ signal: NEVER }).catch(() => {});
  },
  WAIT,
);

test(
  "people are told what they wait for after a second, and can stop waiting",
  async () => {
    await using at = await mcpStage([rawServer("silent", { startupTimeoutMs: 60_000 })]);
    const abort = new AbortController();
    const notes: string[] = [];
    at.servers.begin(() => {});
    const waiting = at.servers.settled({
      onNote: (text) => {
        notes.push(text);
        abort.abort(new Error("enough"));
      },
      signal: abort.signal,
    });
    expect(waiting).rejects.toThrow("enough");
    await waiting.catch(() => {});
    expect(notes).toEqual(["Waiting for MCP servers: silent (up to 60 s, only until their tools are known)"]);
  },
  WAIT,
);

test(
  "overlapping calls are answered each with its own",
  async () => {
    await using at = await mcpStage([rawServer("tiny")]);
    const calls = Array.from({ length: 50 }, (_, n) => at.text("tiny", "echo", { text: String(n) }));
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 50 }, (_, n) => `ECHO ${n}`));
  },
  WAIT,
);

test("a server that rests is started by the next call, and one at work does not rest", async () => {
  await using at = await mcpStage([rawServer("tiny")]);
  await at.settled();
  const pid = async () => (JSON.parse(await at.text("tiny", "env")) as { pid: number }).pid;
  const first = await pid();
  const [slept] = await Promise.all([at.text("tiny", "sleepy"), at.servers.rest()]);
  expect([slept, await pid()]).toEqual(["slept", first]);
  await Promise.all([at.servers.rest(), at.servers.rest()]);
  expect(await isGone(first)).toBeTrue();
  // A call that comes while it ends has a new one, which the end of the old one does not touch.
  const second = await pid();
  expect(second).not.toBe(first);
  const [resting, third] = [at.servers.rest(), pid()];
  await resting;
  expect([await third, await pid()]).toEqual([await third, await third]);
  expect(await third).not.toBe(second);
});

test("nothing of a call is kept when it is answered, however long the turn goes on", async () => {
  await using at = await mcpStage([rawServer("tiny")]);
  await at.settled();
  const [server, calls, turn] = [at.servers.find("tiny"), 50, new AbortController()];
  const given: WeakRef<object>[] = [];
  for (let n = 0; n < calls; n++) {
    const args = { text: `call ${n}` };
    given.push(new WeakRef(args));
    await server?.request("tools/call", { name: "echo", arguments: args }, { signal: turn.signal });
  }
  await Bun.sleep(0);
  Bun.gc(true);
  // The collector may take a word on the stack for a reference: a few, and never all.
  expect(given.filter((one) => one.deref() !== undefined).length).toBeLessThan(calls / 2);
  expect(turn.signal.aborted).toBeFalse();
});
