import { expect, test } from "bun:test";
import { McpRequestError } from "#mcp/connection.ts";
import { rawServer } from "../support/mcp-settings.ts";
import { isGone } from "../support/processes.ts";
import { type McpStage, mcpStage, NEVER } from "./mcp-stage.ts";

const WAIT = 60_000;

function failureOf(at: McpStage, server: string): string {
  const status = at.statuses.findLast(([name]) => name === server)?.[1];
  return status?.type === "failed" ? status.message : `${server} is ${status?.type}`;
}

async function causesOf(call: Promise<unknown> | undefined): Promise<readonly string[]> {
  const error = await call?.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(McpRequestError);
  return (error as McpRequestError).causes;
}

const timedOut = (name: string, seconds: number) =>
  `MCP client for \`${name}\` timed out after ${seconds} seconds. Add or adjust \`startup_timeout_sec\` in your config.toml:\n[mcp_servers.${name}]\nstartup_timeout_sec = XX`;

test(
  "servers that never answer, write garbage, end at once or do not exist fail each with its reason, side by side",
  async () => {
    const gone = rawServer("tiny", { name: "gone" });
    if (gone.transport.type === "stdio") gone.transport = { ...gone.transport, command: "no-such-program" };
    const nowhere = rawServer("tiny", { name: "nowhere" });
    if (nowhere.transport.type === "stdio") nowhere.transport = { ...nowhere.transport, cwd: "/no/such/folder" };
    await using at = await mcpStage([
      rawServer("silent", { startupTimeoutMs: 500 }),
      rawServer("garbage", { startupTimeoutMs: 1000 }),
      rawServer("exit"),
      rawServer("circle"),
      gone,
      nowhere,
      rawServer("tiny"),
    ]);
    await at.settled();
    expect(failureOf(at, "silent")).toBe(timedOut("silent", 0.5));
    expect(failureOf(at, "garbage")).toBe(timedOut("garbage", 1));
    const start = (name: string) => `MCP client for \`${name}\` failed to start: MCP startup failed: `;
    expect(failureOf(at, "exit")).toBe(
      `${start("exit")}handshaking with MCP server failed: connection closed: initialize response; it wrote: cannot find the thing`,
    );
    expect(failureOf(at, "gone")).toBe(`${start("gone")}No such file or directory (os error 2)`);
    expect(failureOf(at, "nowhere")).toBe(`${start("nowhere")}No such file or directory (os error 2)`);
    expect(failureOf(at, "circle")).toBe(`${start("circle")}tools/list goes round in circles`);
    expect(failureOf(at, "tiny")).toBe("tiny is ready");
    // A model that calls on does not wait again.
    const starts = at.statuses.length;
    expect(await causesOf(at.servers.find("silent")?.request("tools/call", {}, { signal: NEVER }))).toEqual([
      timedOut("silent", 0.5),
    ]);
    expect(at.statuses).toHaveLength(starts);
  },
  WAIT,
);

test(
  "200 MB on standard error are read and forgotten",
  async () => {
    await using at = await mcpStage([rawServer("flood", { startupTimeoutMs: 50_000 })]);
    const before = process.memoryUsage().rss;
    await at.settled();
    expect(await at.text("flood", "echo", { text: "still here" })).toBe("ECHO still here");
    // What is read and dropped may wait for the collector; what is kept does not go away.
    Bun.gc(true);
    expect(process.memoryUsage().rss - before).toBeLessThan(150 << 20);
  },
  WAIT,
);

test(
  "a message without end ends the server",
  async () => {
    await using at = await mcpStage([rawServer("endless-line", { startupTimeoutMs: 50_000 })]);
    await at.settled();
    expect(failureOf(at, "endless-line")).toContain("connection closed: initialize response");
  },
  WAIT,
);

test(
  "an answer of 50 MB arrives whole",
  async () => {
    await using at = await mcpStage([rawServer("tiny")]);
    expect((await at.text("tiny", "big")).length).toBe(50_000_000);
  },
  WAIT,
);

test(
  "5,000 tools are listed",
  async () => {
    await using at = await mcpStage([rawServer("many")]);
    await at.settled();
    const names = [...at.servers.tools.keys()];
    expect(names).toHaveLength(5000);
    expect(names).toEqual([...names].sort());
    expect(at.servers.tools).toBe(at.servers.tools);
  },
  WAIT,
);

test(
  "hostile and duplicate names leave a list of good ones",
  async () => {
    await using at = await mcpStage([rawServer("hostile")]);
    await at.settled();
    const offered = [...at.servers.tools.values()].map(({ qualifiedName, info }) => [
      qualifiedName,
      info.description.length,
    ]);
    expect(offered).toEqual([
      ["mcp__hostile______31m", 7],
      ["mcp__hostile____proto__", 1],
      ["mcp__hostile___n_", 6],
      ["mcp__hostile__a_b", 5],
      ["mcp__hostile__odd", 0],
      ["mcp__hostile__schemaless", 0],
      [expect.stringMatching(/^mcp__hostile__x{10}[0-9a-f]{40}$/), 16_384],
    ]);
    for (const name of at.servers.tools.keys()) expect(name).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    expect(at.servers.tools.get("mcp__hostile__a_b")?.info.description).toBe("first");
    expect(at.servers.tools.get("mcp__hostile___n_")?.info.description).toBe("\ufffd lone");
  },
  WAIT,
);

test(
  "a call has its limit, and the server lives on",
  async () => {
    await using at = await mcpStage([rawServer("tiny", { toolTimeoutMs: 300 })]);
    await at.settled();
    const slow = at.servers.find("tiny")?.request("tools/call", { name: "slow" }, { signal: NEVER });
    expect(await causesOf(slow)).toEqual(["timed out awaiting tools/call after 300ms", "deadline has elapsed"]);
    expect(await at.text("tiny", "echo", { text: "on" })).toBe("ECHO on");
  },
  WAIT,
);

test(
  "a limit beyond what timers take is no limit",
  async () => {
    await using at = await mcpStage([rawServer("tiny", { toolTimeoutMs: 1e15, startupTimeoutMs: 1e15 })]);
    expect(await at.text("tiny", "sleepy")).toBe("slept");
  },
  WAIT,
);

test(
  "an answer that is an error keeps the server's words",
  async () => {
    await using at = await mcpStage([rawServer("tiny")]);
    const request = (name: string) => at.servers.find("tiny")?.request("tools/call", { name }, { signal: NEVER });
    expect(await causesOf(request("boom"))).toEqual(["tools/call failed: Mcp error: -32000: boom happened"]);
    expect(await causesOf(request("nope"))).toEqual(["tools/call failed: Mcp error: -32602: unknown tool"]);
  },
  WAIT,
);

test(
  "questions to the user are cancelled",
  async () => {
    await using at = await mcpStage([rawServer("tiny")]);
    expect(await at.text("tiny", "ask")).toBe('{"action":"cancel"}');
  },
  WAIT,
);

test(
  "closing ends a server that ignores SIGTERM and the end of its input",
  async () => {
    await using at = await mcpStage([rawServer("stubborn")]);
    const { pid } = JSON.parse(await at.text("stubborn", "env"));
    await at.servers.close();
    expect(await isGone(pid)).toBe(true);
  },
  WAIT,
);
