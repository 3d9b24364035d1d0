import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Connected, connect } from "../compat/mcp-server-stage.ts";
import { type Scene, useStage } from "../compat/stage.ts";
import { answer, assistantText, created, functionCall, rawChunks, sseBytes } from "../support/model-script.ts";
import { isGone, pidIn } from "../support/processes.ts";
import { cliBinary } from "../support/spawn-cli.ts";

const stage = useStage();
const SLEEPER: Scene = {
  responses: [answer(functionCall("exec_command", { cmd: "echo $$ > pid; exec sleep 300", yield_time_ms: 60_000 }))],
};
const FULL = { prompt: "go", sandbox: "danger-full-access", "approval-policy": "never" };
const CANCEL = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 3, reason: "enough" } };
const STALLED: Scene = { responses: [rawChunks([sseBytes(created())], { end: "stall" })] };

/** Begins a call whose command sleeps; resolves to the command's process id. */
async function sleeping({ client, world }: Connected): Promise<number> {
  client.send({ jsonrpc: "2.0", id: 3, method: "tools/call", params: { name: "codex", arguments: FULL } });
  await client.event("exec_command_begin");
  return pidIn(join(world.cwd, "pid"));
}

describe("a client that goes away", () => {
  test("closing its end leaves no process, and the session says that it was interrupted", async () => {
    await using at = await connect(stage, SLEEPER);
    const pid = await sleeping(at);
    at.client.endInput();
    expect(await at.client.exited).toBe(0);
    expect(await isGone(pid)).toBeTrue();
    expect(at.world.rollout().map(({ payload }) => payload.type)).toContain("turn_aborted");
    expect(at.client.stderr).toBe("");
  });

  test.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
    ["SIGHUP", 129],
  ] as const)("%s does the same and ends with %d", async (signal, code) => {
    await using at = await connect(stage, SLEEPER);
    const pid = await sleeping(at);
    at.client.kill(signal);
    expect(await at.client.exited).toBe(code);
    expect(await isGone(pid)).toBeTrue();
    expect(at.world.rollout().map(({ payload }) => payload.type)).toContain("turn_aborted");
  });

  test("a call under way is still answered to a client that only closed its sending half", async () => {
    await using at = await connect(stage, STALLED);
    const called = at.client.request("tools/call", { name: "codex", arguments: { prompt: "go" } });
    await at.client.event("user_message");
    at.client.endInput();
    expect((await called).result).toMatchObject({ isError: true, structuredContent: { threadId: expect.any(String) } });
    expect(await at.client.exited).toBe(0);
  });

  test("requests right before the end of input are answered", async () => {
    await using at = await connect(stage, {}, { hello: false });
    const asked = [1, 2, 3].map((id) => at.client.request("tools/list", {}, id));
    at.client.endInput();
    for (const answered of await Promise.all(asked)) expect(answered.result?.tools).toBeArrayOfSize(2);
    expect(await at.client.exited).toBe(0);
  });

  test("a last request without a line's end is answered too", async () => {
    const world = await stage.world({});
    const child = Bun.spawn([cliBinary(), "mcp-server"], {
      cwd: world.cwd,
      env: { PATH: Bun.env.PATH, HOME: world.home, CODEX_HOME: world.codexHome },
      stdin: Buffer.from('{"jsonrpc":"2.0","id":1,"method":"ping"}'),
      stdout: "pipe",
    });
    expect(await child.stdout.text()).toBe('{"jsonrpc":"2.0","id":1,"result":{}}\n');
    expect(await child.exited).toBe(0);
  });

  test("closing only what it reads from ends it too", async () => {
    const world = await stage.world(SLEEPER);
    const child = Bun.spawn([cliBinary(), "mcp-server"], {
      cwd: world.cwd,
      env: { PATH: Bun.env.PATH, HOME: world.home, CODEX_HOME: world.codexHome, MOCK_KEY: "k", SHELL: "/bin/bash" },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "codex", arguments: FULL } };
    child.stdin.write(`${JSON.stringify(call)}\n`);
    child.stdin.flush();
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    // The next thing it has to say cannot be said.
    child.stdin.write('{"jsonrpc":"2.0","id":2,"method":"ping"}\n');
    child.stdin.flush();
    expect(await child.exited).toBe(0);
    expect(await child.stderr.text()).toBe("");
  });

  test("with a question open it ends all the same", async () => {
    const scene = { responses: [answer(functionCall("exec_command", { cmd: "touch x" }))] };
    await using at = await connect(stage, scene);
    at.client.answering = () => undefined;
    const asking = { prompt: "go", "approval-policy": "untrusted", sandbox: "workspace-write" };
    at.client.send({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "codex", arguments: asking } });
    await at.client.until(({ method }) => method === "elicitation/create");
    at.client.endInput();
    expect(await at.client.exited).toBe(0);
    expect(existsSync(join(at.world.cwd, "x"))).toBeFalse();
  });
});

describe("while a session waits for a server that it requires and that hangs", () => {
  const hangs = {
    command: "/bin/sh",
    args: ["-c", "echo $$ > pid; exec sleep 300"],
    startup_timeout_sec: 60,
    required: true,
  };
  const ways: [string, (at: Connected) => void, number | null][] = [
    ["the end of input", ({ client }) => client.endInput(), 0],
    ["SIGTERM", ({ client }) => client.kill("SIGTERM"), 143],
    ["a cancellation", ({ client }) => client.send(CANCEL), null],
  ];
  test.each(ways)("%s ends the start and the server", async (_, end, code) => {
    await using at = await connect(stage);
    const { client, world } = at;
    const called = client.request(
      "tools/call",
      {
        name: "codex",
        arguments: { prompt: "go", config: { mcp_servers: { hangs } } },
      },
      3,
    );
    const pid = await pidIn(join(world.cwd, "pid"));
    end(at);
    expect((await called).result).toEqual({
      content: [{ type: "text", text: "The turn was interrupted before it was done." }],
      isError: true,
    });
    if (code === null) expect((await client.request("ping")).result).toEqual({});
    else expect(await client.exited).toBe(code);
    expect(await isGone(pid)).toBeTrue();
    expect(client.stderr).toBe("");
  });
});

describe("cancelling", () => {
  test("ends the command and answers; the session can be gone on with", async () => {
    const scene = { responses: [...(SLEEPER.responses as []), answer(assistantText("still here"))] };
    await using at = await connect(stage, scene);
    const { client } = at;
    const pid = await sleeping(at);
    const answered = client.until(({ id, method }) => id === 3 && method === undefined);
    client.send(CANCEL);
    const { result } = await answered;
    expect(result).toMatchObject({ isError: true });
    expect(await isGone(pid)).toBeTrue();
    const threadId = at.world.rollout()[0]?.payload.id;
    expect((await client.call("codex-reply", { prompt: "more", threadId })).content[0]?.text).toBe("still here");
  });

  test("a call right behind its cancellation is interrupted too", async () => {
    await using at = await connect(stage, STALLED);
    const { client } = at;
    client.send({ jsonrpc: "2.0", id: 3, method: "tools/call", params: { name: "codex", arguments: FULL } });
    client.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 3 } });
    const answered = await client.until(({ id, method }) => id === 3 && method === undefined);
    expect(answered.result).toMatchObject({ isError: true });
  });

  test("a reply that its cancellation comes with, before there is a turn to interrupt, is interrupted too", async () => {
    await using at = await connect(stage, { responses: [answer(assistantText("hi")), ...(STALLED.responses as [])] });
    const { client } = at;
    const threadId = (await client.call("codex", { prompt: "a" })).structuredContent?.threadId;
    const params = { name: "codex-reply", arguments: { prompt: "b", threadId } };
    const reply = { jsonrpc: "2.0", id: 3, method: "tools/call", params };
    const answered = client.until(({ id, method }) => id === 3 && method === undefined);
    client.send([reply, CANCEL].map((message) => JSON.stringify(message)).join("\n"));
    expect((await answered).result).toMatchObject({ isError: true });
    expect(client.msgs("turn_aborted")).toHaveLength(1);
  });

  test("of a call that waits for its turn answers at once and leaves the running one alone", async () => {
    const released = Promise.withResolvers<void>();
    const responses = async (_: unknown, index: number) => {
      if (index === 1) await released.promise;
      return answer(assistantText(`answer ${index}`));
    };
    await using at = await connect(stage, { responses });
    const { client, world } = at;
    const threadId = (await client.call("codex", { prompt: "a" })).structuredContent?.threadId;
    const running = client.request("tools/call", { name: "codex-reply", arguments: { prompt: "b", threadId } }, "b");
    const queued = client.request("tools/call", { name: "codex-reply", arguments: { prompt: "c", threadId } }, "c");
    const last = client.request("tools/call", { name: "codex-reply", arguments: { prompt: "d", threadId } }, "d");
    client.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: "c" } });
    expect((await queued).result).toMatchObject({ isError: true });
    released.resolve();
    expect((await running).result).toMatchObject({ content: [{ text: "answer 1" }] });
    expect((await last).result).toMatchObject({ content: [{ text: "answer 2" }] });
    const sent = JSON.stringify(world.server.requests.at(-1)?.body.input);
    expect(sent).toContain('"d"');
    expect(sent).not.toContain('"c"');
    expect(client.events().filter(({ _meta }) => _meta.requestId === "c")).toEqual([]);
  });

  test("an id that nobody waits for is ignored", async () => {
    await using at = await connect(stage);
    for (const params of [{ requestId: 99 }, {}, null, "x", { requestId: {} }]) {
      at.client.send({ jsonrpc: "2.0", method: "notifications/cancelled", params });
    }
    at.client.send({ jsonrpc: "2.0", method: "notifications/nobody-knows" });
    expect((await at.client.request("ping")).result).toEqual({});
  });
});

test("a client that asked for progress is told how the call gets on", async () => {
  await using at = await connect(stage, {
    responses: [
      answer(functionCall("exec_command", { cmd: "echo hi" })),
      answer(functionCall("exec_command", { cmd: `: ${"x".repeat(200)}` })),
      answer(assistantText("done")),
    ],
  });
  const { client } = at;
  await client.request("tools/call", { name: "codex", arguments: FULL, _meta: { progressToken: "p1" } });
  const told = client.messages.filter(({ method }) => method === "notifications/progress").map(({ params }) => params);
  expect(told).toEqual([
    { progressToken: "p1", progress: 1, message: "Thinking" },
    { progressToken: "p1", progress: 2, message: "Running /bin/bash -lc 'echo hi'" },
    { progressToken: "p1", progress: 3, message: `Running ${`/bin/bash -lc ': ${"x".repeat(200)}`.slice(0, 120)}…` },
  ]);
});
