import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ModelClient, ModelEvent, ModelRequest } from "#providers/model-client.ts";
import { createRecorder } from "#providers/replay/recorder.ts";
import { createReplayClient } from "#providers/replay/replay-client.ts";
import { toolList } from "#providers/tool-list.ts";
import {
  answer,
  assistantText,
  created,
  functionCall,
  rawChunks,
  reasoning,
  type ScriptedResponse,
  sse,
  stallAfter,
  status,
} from "../../support/model-script.ts";
import { startModelServer } from "../../support/model-server.ts";
import { clientOf, collect, failureOf, modelRequest, withoutLimits } from "../model-request.ts";

let root = "";
let file = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "codex-replay-"));
  file = join(root, "session.jsonl");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const warn = (message: string) => {
  throw new Error(`unexpected warning: ${message}`);
};

const EXEC_TOOL = { type: "function", name: "exec_command", description: "d", strict: false, parameters: {} };
const withTool = (fields: Partial<ModelRequest> = {}) => modelRequest({ tools: toolList([EXEC_TOOL]), ...fields });

/** Records one request for each answer and returns what the caller saw. */
async function record(responses: ScriptedResponse[], request = withTool()): Promise<ModelEvent[][]> {
  await using server = await startModelServer({ responses });
  const client = createRecorder(clientOf({ baseUrl: server.baseUrl }), file, { warn });
  const seen: ModelEvent[][] = [];
  for (const _ of responses) seen.push(withoutLimits(await collect(client, request)));
  return seen;
}

async function replayed(client: ModelClient, times: number, request = withTool()): Promise<ModelEvent[][]> {
  const seen: ModelEvent[][] = [];
  for (let n = 0; n < times; n++) seen.push(await collect(client, request));
  return seen;
}

describe("a recording", () => {
  test("plays what was seen, failures included", async () => {
    const seen = await record([
      answer(reasoning(["plan → é"]), functionCall("exec_command", { cmd: "ls" })),
      rawChunks([": ping\n\ndata: not json\n\n", "data: {}\n\n"]),
      status(404, { error: { message: "nope" } }),
      status(400, "bad"),
      answer(assistantText("done\n🦀", { deltas: ["do", "ne\n", "🦀"] })),
    ]);
    expect(await replayed(createReplayClient(file), 5)).toEqual(seen);
    expect(seen.map((events) => events.at(-1)?.type)).toEqual(["completed", "failed", "failed", "failed", "completed"]);
  });

  test("holds no key, no header and no prompt, and is for its owner alone", async () => {
    const limited = answer(assistantText("x"));
    const headers = { ...limited.headers, "x-codex-turn-state": "state-secret", "x-codex-primary-used-percent": "7" };
    await record(
      [{ ...limited, headers }],
      withTool({ instructions: "prompt-secret", turnMetadata: '{"a":"meta-secret"}' }),
    );
    const text = readFileSync(file, "utf8");
    expect(text).not.toMatch(/test-key|secret|used_percent/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test("says what each request was", async () => {
    await record([answer(assistantText("x"))], withTool({ subagent: "review" }));
    const [header, line] = readFileSync(file, "utf8")
      .split("\n")
      .map((text) => (text ? JSON.parse(text) : undefined));
    expect(header).toMatchObject({ format: "codex-replay", version: 1 });
    expect(line.request).toEqual({
      n: 1,
      model: "gpt-5.2-codex",
      subagent: "review",
      tools: ["exec_command"],
      input_items: 1,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(line.events[0][1]).toEqual(created());
    expect(line.failure).toBeUndefined();
  });

  test("keeps an interrupted answer, marked as such", async () => {
    await using server = await startModelServer({
      responses: [stallAfter(sse([created(), ...assistantText("part")]))],
    });
    const client = createRecorder(clientOf({ baseUrl: server.baseUrl }), file, { warn });
    const stop = new AbortController();
    for await (const batch of client.stream(withTool(), { signal: stop.signal })) {
      if (batch.some(({ type }) => type === "item_done")) stop.abort();
    }
    const [events = []] = await replayed(createReplayClient(file), 1);
    expect(events.map((event) => event.type)).toEqual(["created", "item_added", "text_delta", "item_done", "failed"]);
    expect(failureOf(events)).toMatchObject({ retry: false, kind: "aborted" });
  });

  test("replaces an older recording and nothing else", async () => {
    await record([answer(assistantText("old"))]);
    await record([answer(assistantText("new"))]);
    expect(readFileSync(file, "utf8")).not.toContain("old");

    writeFileSync(file, "my notes\n");
    const again = () => createRecorder(clientOf({}), file, { warn });
    expect(again).toThrow("is not a recording");
    expect(readFileSync(file, "utf8")).toBe("my notes\n");
    writeFileSync(file, "");
    expect(again).not.toThrow();
  });

  test("devices and pipes are refused on both sides instead of waited for", () => {
    for (const path of ["/dev/zero", "/dev/full"]) {
      expect(() => createReplayClient(path)).toThrow(`Cannot read the recording "${path}": it is not a regular file`);
      const record = () => createRecorder(clientOf({}), path, { warn });
      expect(record).toThrow(`Cannot record to "${path}": it is not a regular file`);
    }
  });

  test("a file that cannot be made is an error, one that is lost is a warning", async () => {
    expect(() => createRecorder(clientOf({}), root, { warn })).toThrow("Cannot record to");
    expect(() => createRecorder(clientOf({}), join(root, "no", "such"), { warn })).toThrow("No such file");

    await using server = await startModelServer({ responses: () => answer(assistantText("x")) });
    const warnings: string[] = [];
    const client = createRecorder(clientOf({ baseUrl: server.baseUrl }), file, { warn: (text) => warnings.push(text) });
    rmSync(file);
    mkdirSync(file);
    for (let n = 0; n < 2; n++) expect((await collect(client)).at(-1)?.type).toBe("completed");
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(file);
  });
});

describe("a replay", () => {
  test("that is asked too often says so", async () => {
    await record([answer(assistantText("x"))]);
    const [, second = []] = await replayed(createReplayClient(file), 2);
    expect(failureOf(second)).toMatchObject({ retry: false });
    expect(failureOf(second).message).toContain("request 2");
    expect(failureOf(second).message).toContain("ends after 1 answers");
  });

  test("stops at a request of another kind", async () => {
    await record([answer(assistantText("x"))]);
    const [events = []] = await replayed(createReplayClient(file), 1, withTool({ subagent: "compact" }));
    expect(failureOf(events).message).toContain('"compact"');
    expect(failureOf(events).message).toContain("main conversation");
  });

  test("stops when a recorded call has lost its tool, not when the tool was never offered", async () => {
    const responses = [answer(functionCall("exec_command", {}))];
    await record(responses);
    const [events = []] = await replayed(createReplayClient(file), 1, modelRequest());
    expect(failureOf(events).message).toContain('"exec_command"');

    await record(responses, modelRequest());
    const [unlisted = []] = await replayed(createReplayClient(file), 1, modelRequest());
    expect(unlisted.at(-1)?.type).toBe("completed");
  });

  test("does not mind other contents", async () => {
    const seen = await record([answer(assistantText("x"))]);
    const other = withTool({ instructions: "other", threadId: "other", input: [] });
    expect(await replayed(createReplayClient(file), 1, other)).toEqual(seen);
  });

  test("waits as recorded when asked to, and an abort ends the wait", async () => {
    const slow = { request: { n: 1, model: "m", subagent: null, tools: [] }, events: [[300, created()]] };
    writeFileSync(file, `{"format":"codex-replay","version":1}\n${JSON.stringify(slow)}\n`);
    const began = performance.now();
    await replayed(createReplayClient(file, { pace: "recorded" }), 1);
    expect(performance.now() - began).toBeGreaterThan(280);

    const endless = JSON.stringify({ ...slow, events: [[600_000, created()]] });
    writeFileSync(file, `{"format":"codex-replay","version":1}\n${endless}\n`);
    const client = createReplayClient(file, { pace: "recorded" });
    const events = await collect(client, modelRequest(), AbortSignal.timeout(100));
    expect(failureOf(events)).toMatchObject({ kind: "aborted" });
  });
});

describe("a file that is not a good recording", () => {
  const header = '{"format":"codex-replay","version":1}\n';
  const exchange = (n: unknown) =>
    JSON.stringify({ request: { n, model: "m", subagent: null, tools: [] }, events: [] });

  test.each([
    ["", "line 1"],
    ["hello\n", "line 1"],
    ['{"format":"other","version":1}\n', "line 1"],
    ['{"format":"codex-replay","version":2}\n', "version is 2"],
    [`${header}${exchange(1)}`, "line 2: the line is torn"],
    [`${header}${exchange(1)}\n{"request":\n`, "line 3: it is not JSON"],
    [`${header}\n`, "line 2: it is not JSON"],
    [`${header}${exchange(1)}\n${exchange(1)}\n`, "line 3: request 1 is there twice"],
    [`${header}${exchange(0)}\n`, "line 2: request.n"],
    [`${header}${exchange("1")}\n`, "line 2: request.n"],
    [`${header}{"request":{"n":1,"model":"m","subagent":null,"tools":[]}}\n`, "line 2: events"],
    [`${header}${exchange(1).replace('"events":[]', '"events":[[-1,{}]]')}\n`, "line 2: events.0.0"],
    [`${header}${exchange(1).replace('"events":[]', '"events":[],"failure":{"retry":"no"}')}\n`, "line 2: failure"],
    [`${header}\u0000\u0000\n`, "line 2: it is not JSON"],
    [`${header}[]\n`, "line 2"],
  ])("%j", (content, reason) => {
    writeFileSync(file, content);
    expect(() => createReplayClient(file)).toThrow(reason);
    expect(() => createReplayClient(file)).toThrow(file);
  });

  test("absent, or a folder", () => {
    expect(() => createReplayClient(file)).toThrow("No such file");
    expect(() => createReplayClient(root)).toThrow("Is a directory");
  });

  test("events that mean nothing are harmless", async () => {
    const events = [
      [0, null],
      [0, "text\nin lines"],
      [1, [1]],
      [2, { type: "response.output_item.done", item: 5 }],
    ];
    const line = JSON.stringify({ request: { n: 1, model: "m", subagent: null, tools: [] }, events });
    writeFileSync(file, `${header}${line}\n`);
    const [seen = []] = await replayed(createReplayClient(file), 1);
    expect(seen).toHaveLength(1);
    expect(failureOf(seen)).toMatchObject({ retry: true });
  });
});
