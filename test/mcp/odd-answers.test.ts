import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { validMessage } from "#mcp/valid-message.ts";
import { mcpSettings, rawServer, stdioTransport } from "../support/mcp-settings.ts";
import { tempHome } from "../support/temp-home.ts";
import { mcpStage, NEVER } from "./mcp-stage.ts";

const WAIT = 60_000;

describe("an answer", () => {
  const answer = (rest: Record<string, unknown>) => validMessage({ jsonrpc: "2.0", id: 1, ...rest });
  const message = (rest: Record<string, unknown>) => {
    const mended = answer(rest);
    return "error" in mended ? mended.error.message : JSON.stringify(mended);
  };

  test("with more than an answer has is reduced to one", () => {
    const plain = { jsonrpc: "2.0", id: 1, result: { a: 1 } } as const;
    expect(answer({ result: { a: 1, _meta: null }, error: null, trace: 7 })).toEqual(plain);
    expect(answer({ result: { a: 1, _meta: { b: 2 } } })).toEqual({ ...plain, result: { a: 1, _meta: { b: 2 } } });
    expect(answer({ result: null, error: { code: 5, message: "m", extra: 1 } })).toEqual({
      jsonrpc: "2.0",
      id: 1,
      error: { code: 5, message: "m" },
    });
  });

  test("that is none becomes an error that says so", () => {
    expect(message({ result: null })).toBe("the server sent neither a result nor an error: null");
    expect(message({})).toBe("the server sent neither a result nor an error: undefined");
    expect(message({ result: [1] })).toBe("the server sent neither a result nor an error: an object");
    expect(message({ error: "x".repeat(1000) })).toHaveLength(147);
    expect(answer({ error: { code: "E", message: 7 } })).toEqual({
      jsonrpc: "2.0",
      id: 1,
      error: { code: -32603, message: "7" },
    });
  });

  test("as deep as nobody walks is refused, also in the data of an error", () => {
    const nested = (depth: number) => JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`) as unknown;
    expect(message({ result: { deep: nested(400) } })).toStartWith('{"jsonrpc"');
    expect(message({ result: { deep: nested(600) } })).toBe("the server sent an answer nested deeper than 500 levels");
    expect(answer({ error: { code: 1, message: "m", data: nested(100_000) } })).toMatchObject({ error: { code: 1 } });
  });

  test("is not what has a method: parameters that are null are none", () => {
    const ping = validMessage({ jsonrpc: "2.0", id: 1, method: "ping", params: null });
    expect(JSON.parse(JSON.stringify(ping))).toEqual({ jsonrpc: "2.0", id: 1, method: "ping" });
  });
});

test(
  "servers that greet in their own way are met as Codex CLI meets them",
  async () => {
    const names = ["other-version", "odd-greeting", "batched-greeting", "marked-greeting"];
    await using at = await mcpStage(names.map((name) => rawServer(name)));
    await at.settled();
    for (const name of names) expect([name, await at.text(name, "echo", { text: "hey" })]).toEqual([name, "ECHO hey"]);
  },
  WAIT,
);

test(
  "a server that only has resources starts without a tool",
  async () => {
    await using at = await mcpStage([rawServer("resources")]);
    await at.settled();
    expect(at.statuses.at(-1)?.[1]).toEqual({ type: "ready" });
    expect(at.servers.tools.size).toBe(0);
    const listed = await at.servers.find("resources")?.request("resources/list", {}, { signal: NEVER });
    expect(listed?.resources).toHaveLength(1);
  },
  WAIT,
);

test(
  "a greeting that is none, or a refusal, fails at once with the server's own words, cut and plain",
  async () => {
    await using at = await mcpStage([rawServer("null-greeting"), rawServer("refusing-greeting")]);
    const started = performance.now();
    await at.settled();
    expect(performance.now() - started).toBeLessThan(15_000);
    const reasons = at.servers.all.map(({ lastFailure }) => lastFailure?.reason ?? "");
    expect(reasons[0]).toBe(
      "handshaking with MCP server failed: Mcp error: -32603: the server sent neither a result nor an error: null",
    );
    expect(reasons[1]).toStartWith("handshaking with MCP server failed: Mcp error: -32000: not today!!!");
    expect(reasons[1]?.length).toBeLessThan(2_100);
  },
  WAIT,
);

test(
  "calls with an answer that is none fail at once, and the server lives on",
  async () => {
    await using at = await mcpStage([rawServer("tiny")]);
    const failureOf = (tool: string) => at.text("tiny", tool).catch((error: unknown) => String(error));
    expect(await failureOf("null")).toContain("the server sent neither a result nor an error: null");
    expect(await failureOf("words")).toContain("neither a result nor an error: in words only");
    expect(await failureOf("deep")).toContain("an answer nested deeper than 500 levels");
    expect(await at.text("tiny", "echo", { text: "on" })).toBe("ECHO on");
  },
  WAIT,
);

test(
  "a thousand announcements of a changed list are a few questions for it",
  async () => {
    await using at = await mcpStage([rawServer("tiny")]);
    const times = Number(/listed (\d+) times/.exec(await at.text("tiny", "recount"))?.[1]);
    expect(times).toBeGreaterThan(1);
    expect(times).toBeLessThan(10);
  },
  WAIT,
);

test(
  "what has its answer is not cancelled at the end of a session, what has none is",
  async () => {
    await using home = await tempHome();
    const log = join(home.root, "log");
    await using at = await mcpStage([rawServer("tiny", { log })]);
    await at.settled();
    await at.text("tiny", "echo");
    const over = new AbortController();
    const slow = at.servers.find("tiny")?.request("tools/call", { name: "slow" }, { signal: over.signal });
    const failed = slow?.catch((error: unknown) => error);
    while (!readFileSync(log, "utf8").includes('"slow"')) await Bun.sleep(10);
    over.abort(new Error("enough"));
    expect(String(await failed)).toBe("Error: enough");
    await at.servers.close();
    const messages = readFileSync(log, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const cancelled = messages.filter(({ method }) => method === "notifications/cancelled");
    const { id } = messages.find(({ params }) => params?.name === "slow");
    expect(cancelled.map(({ params }) => params.requestId)).toEqual([id]);
  },
  WAIT,
);

test(
  "a server that asks without end and reads no answer costs no memory",
  async () => {
    const ask = '{"jsonrpc":"2.0","id":"ask","method":"ping"}';
    const script = `read greeting; exec yes '${ask}'`;
    const settings = mcpSettings("deaf", stdioTransport("/bin/sh", ["-c", script]), { startupTimeoutMs: 4_000 });
    await using at = await mcpStage([settings]);
    const before = process.memoryUsage().rss;
    await at.settled();
    expect(at.servers.all[0]?.lastFailure?.reason).toBe("request timed out after 4 seconds");
    expect(process.memoryUsage().rss - before).toBeLessThan(300 << 20);
  },
  WAIT,
);
