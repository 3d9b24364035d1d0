import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { answer, assistantText, completed, cutAfter, functionCall, sse } from "../../support/model-script.ts";
import { startSession } from "../../support/session.ts";

/** `input` items of a request, without the context that leads every conversation. */
function conversation(request: { body: { input: Record<string, unknown>[] } } | undefined) {
  return (request?.body.input ?? []).filter((item) => item.role !== "developer" && !isContext(item));
}

function isContext(item: Record<string, unknown>): boolean {
  const [part] = (item.content ?? []) as { text?: string }[];
  return part?.text?.startsWith("<environment_context>") === true;
}

test("a tool call's output goes back in the next request, and the last answer ends the turn", async () => {
  await using session = await startSession({
    responses: [
      answer(assistantText("looking"), functionCall("exec_command", { cmd: "echo found", login: false }, "c1")),
      answer(assistantText("found it")),
    ],
  });
  await session.say("look");
  expect(session.events.at(-1)).toMatchObject({ type: "turn_completed", lastAgentMessage: "found it" });
  const second = conversation(session.server.requests[1]);
  expect(second.map((item) => item.type)).toEqual(["message", "message", "function_call", "function_call_output"]);
  expect(second[3]).toMatchObject({ call_id: "c1", output: expect.stringContaining("found\n") });
});

test("calls of one answer run at the same time; their outputs keep the model's order", async () => {
  // Each command waits for the file the other one makes: one after the other, neither would end.
  const meet = (mine: string, other: string) =>
    `touch ${mine}; for i in $(seq 400); do test -e ${other} && { echo met; exit 0; }; sleep 0.02; done; exit 1`;
  await using session = await startSession({
    responses: [
      answer(
        functionCall("exec_command", { cmd: meet("a", "b"), login: false }, "first"),
        functionCall("exec_command", { cmd: meet("b", "a"), login: false }, "second"),
      ),
      answer(assistantText("done")),
    ],
  });
  await session.say("go");
  const outputs = conversation(session.server.requests[1]).filter((item) => item.type === "function_call_output");
  expect(outputs.map((item) => item.call_id)).toEqual(["first", "second"]);
  for (const output of outputs) expect(output.output).toContain("met");
});

test("a stream that breaks after a tool call does not run the call twice", async () => {
  const withoutEnd = sse(functionCall("exec_command", { cmd: "echo once >> ran", login: false }, "c1"));
  await using session = await startSession({ responses: [withoutEnd, answer(assistantText("done"))] });
  await session.say("go");
  expect(await Bun.file(`${session.home.cwd}/ran`).text()).toBe("once\n");
  expect(session.events.filter((event) => event.type === "stream_error")).toHaveLength(1);
  const retry = conversation(session.server.requests[1]);
  expect(retry.map((item) => item.type)).toEqual(["message", "function_call", "function_call_output"]);
  expect(session.events.at(-1)).toMatchObject({ type: "turn_completed", lastAgentMessage: "done" });
});

test("an answer that broke off is not in history twice after its retry", async () => {
  await using session = await startSession({
    responses: [
      sse(assistantText("half an answer")),
      answer(assistantText("whole answer")),
      answer(assistantText("next")),
    ],
  });
  await session.say("go");
  await session.say("again");
  const texts = JSON.stringify(conversation(session.server.requests[2]));
  expect(texts).not.toContain("half an answer");
  expect(texts.match(/whole answer/g)).toHaveLength(1);
  expect(session.rollout().filter((line) => JSON.stringify(line).includes("half an answer"))).toEqual([]);
});

test("a connection cut in the middle is retried; when the budget is spent the turn fails with the reason", async () => {
  const cut = () => cutAfter(answer(assistantText("never whole")), 40);
  await using session = await startSession({ responses: [cut(), cut(), cut()] });
  await session.say("go");
  const notices = session.events.flatMap((event) => (event.type === "stream_error" ? [event.message] : []));
  expect(notices.map((notice) => notice.slice(0, 19))).toEqual(["Reconnecting... 1/2", "Reconnecting... 2/2"]);
  expect(session.events.at(-1)).toMatchObject({
    type: "turn_failed",
    message: expect.stringContaining("stream disconnected before completion"),
  });
});

test("unknown tools and unknown custom tools are answered, and the turn goes on", async () => {
  await using session = await startSession({
    responses: [answer(functionCall("teleport", { to: "mars" }, "c1")), answer(assistantText("ok"))],
  });
  await session.say("go");
  expect(conversation(session.server.requests[1]).at(-1)).toEqual({
    type: "function_call_output",
    call_id: "c1",
    output: "unsupported call: teleport",
  });
});

test("usage adds up over the turns of a thread", async () => {
  const used = (input: number) => completed({ input_tokens: input, output_tokens: 1, total_tokens: input + 1 });
  await using session = await startSession({
    responses: [sse([...assistantText("a"), used(10)]), sse([...assistantText("b"), used(20)])],
  });
  await session.say("one");
  await session.say("two");
  const last = session.events.findLast((event) => event.type === "token_count" && event.info !== null);
  expect(last).toMatchObject({
    info: {
      total_token_usage: { input_tokens: 30, output_tokens: 2 },
      last_token_usage: { input_tokens: 20 },
      model_context_window: 258_400,
    },
  });
});

test("an interruption ends the command at once, is recorded, and the next turn starts from a whole history", async () => {
  await using session = await startSession({
    responses: [
      answer(functionCall("exec_command", { cmd: "trap '' TERM; echo $$ > pid; sleep 60", login: false }, "c1")),
      answer(assistantText("fresh start")),
    ],
  });
  session.submit({ type: "user_turn", input: [{ type: "text", text: "hang" }] });
  await session.until((event) => event.type === "command_started");
  const pidFile = `${session.home.cwd}/pid`;
  while (!existsSync(pidFile) || readFileSync(pidFile, "utf8") === "") await Bun.sleep(5);
  session.submit({ type: "interrupt" });
  await session.until((event) => event.type === "turn_aborted");
  expect(isAlive(Number(readFileSync(pidFile, "utf8")))).toBe(false);
  expect(session.rollout().at(-1)).toMatchObject({
    type: "event_msg",
    payload: { type: "turn_aborted", reason: "interrupted" },
  });

  await session.say("go on");
  const next = conversation(session.server.requests[1]);
  expect(next.map((item) => item.type)).toEqual([
    "message",
    "function_call",
    "function_call_output",
    "message",
    "message",
  ]);
  expect(JSON.stringify(next[3])).toContain("<turn_aborted>");
  expect(session.events.at(-1)).toMatchObject({ type: "turn_completed", lastAgentMessage: "fresh start" });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("half of a surrogate pair in a model's text never reaches a file or a request as such", async () => {
  await using session = await startSession({
    responses: [answer(assistantText("cut \ud83d here")), answer(assistantText("next"))],
  });
  await session.say("one");
  await session.say("two");
  expect(JSON.stringify(conversation(session.server.requests[1]))).toContain("cut \ufffd here");
  expect(session.server.requests[1]?.rawBody.includes("\\ud83d")).toBe(false);
  expect(JSON.stringify(session.rollout())).toContain("cut \ufffd here");
});
