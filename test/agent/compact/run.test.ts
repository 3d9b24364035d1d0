import { expect, test } from "bun:test";
import { answer, assistantText, completed, failed, functionCall, sse } from "../../support/model-script.ts";
import { startSession } from "../../support/session.ts";

const LIMIT = { model_auto_compact_token_limit: 5000 };
const used = (total: number) => completed({ input_tokens: total - 1, output_tokens: 1, total_tokens: total });
const call = (total: number) =>
  sse([...functionCall("exec_command", { cmd: "true", login: false }, "c1"), used(total)]);
const say = (text: string, total: number) => sse([...assistantText(text), used(total)]);

function texts(request: { body: { input: Record<string, unknown>[] } } | undefined): string[] {
  return (request?.body.input ?? []).map((item) => {
    const [part] = (item.content ?? []) as { text?: string }[];
    return part?.text ?? String(item.type);
  });
}

test("at the limit, between rounds, history becomes context, the user's words and a summary", async () => {
  await using session = await startSession({
    config: LIMIT,
    responses: [call(5000), say("THE SUMMARY", 5100), say("done", 900)],
  });
  await session.say("a long task");
  const [first, compaction, after] = session.server.requests;
  expect(compaction?.body.tools).toEqual([]);
  expect(compaction?.body.parallel_tool_calls).toBe(false);
  expect(texts(compaction).slice(0, texts(first).length)).toEqual(texts(first));
  const rebuilt = texts(after);
  expect(rebuilt).toHaveLength(4);
  expect(rebuilt[2]).toBe("a long task");
  expect(rebuilt[3]).toEndWith("\nTHE SUMMARY");
  expect(session.events.map((event) => event.type)).toContain("context_compacted");
  expect(session.events.at(-1)).toMatchObject({ type: "turn_completed", lastAgentMessage: "done" });
  const compacted = session.rollout().find((line) => line.type === "compacted");
  expect(compacted?.payload.message).toEndWith("THE SUMMARY");
  expect(compacted?.payload.replacement_history).toHaveLength(4);
});

test("one token below the limit nothing is compacted", async () => {
  await using session = await startSession({ config: LIMIT, responses: [call(4999), say("done", 4999)] });
  await session.say("a task");
  expect(session.server.requests).toHaveLength(2);
});

test("a thread at its limit is compacted before the next turn, whose message stays last", async () => {
  await using session = await startSession({
    config: LIMIT,
    responses: [say("first answer", 6000), say("SUMMARY", 10), say("second answer", 100)],
  });
  await session.say("first");
  await session.say("second");
  const after = texts(session.server.requests[2]);
  expect(after.slice(2)).toEqual(["first", expect.stringContaining("SUMMARY"), "second"]);
});

test("a second compaction keeps the user's words and replaces the first summary", async () => {
  await using session = await startSession({
    config: LIMIT,
    responses: [say("a1", 6000), say("SUM ONE", 10), say("a2", 6000), say("SUM TWO", 10), say("a3", 10)],
  });
  for (const text of ["one", "two", "three"]) await session.say(text);
  const last = texts(session.server.requests[4]).slice(2);
  expect(last).toEqual(["one", "two", expect.stringContaining("SUM TWO"), "three"]);
});

test("when even the summary request does not fit, the oldest items are left out until it does", async () => {
  const overflow = sse([failed("context_length_exceeded", "too long")]);
  await using session = await startSession({
    config: LIMIT,
    responses: [call(5000), overflow, overflow, say("SUMMARY", 10), say("done", 10)],
  });
  await session.say("task");
  const sizes = session.server.requests.slice(1, 4).map((request) => request.body.input.length);
  expect(sizes[1]).toBe((sizes[0] ?? 0) - 1);
  expect(sizes[2]).toBe((sizes[1] ?? 0) - 1);
  expect(session.events.at(-1)).toMatchObject({ type: "turn_completed", lastAgentMessage: "done" });
});

test("a compaction that fails ends the turn with its message and leaves the history", async () => {
  await using session = await startSession({
    config: LIMIT,
    responses: [call(5000), sse([failed("invalid_prompt", "no summaries today")]), say("SUMMARY", 10), say("ok", 10)],
  });
  await session.say("task");
  expect(session.events.at(-1)).toMatchObject({ type: "turn_failed", message: "no summaries today" });
  await session.say("again");
  expect(texts(session.server.requests[3])).toContain("task");
});

test("a resumed thread goes on from the compacted history", async () => {
  await using session = await startSession({
    config: LIMIT,
    responses: [say("a1", 6000), say("SUMMARY", 10), say("a2", 10)],
  });
  await session.say("one");
  await session.say("two");
  await using resumed = await startSession({
    home: session.home,
    start: { type: "resume", session: session.threadId },
    responses: [answer(assistantText("resumed"))],
  });
  await resumed.say("three");
  const seen = texts(resumed.server.requests[0]);
  expect(seen).toContain("one");
  expect(seen.filter((text) => text.endsWith("SUMMARY"))).toHaveLength(1);
  expect(seen).not.toContain("a1");
  expect(seen.at(-1)).toBe("three");
});
