import { expect } from "bun:test";
import { answer, assistantText, completed, failed, functionCall, sse } from "../support/model-script.ts";
import { requirement } from "./cite.ts";
import { textOf, useStage } from "./stage.ts";

const stage = useStage();

/** The first round uses up the limit, so the history is compacted before the second. */
const compacted = stage.shared({
  prompt: "the task",
  config: "model_auto_compact_token_limit = 5000",
  responses: [
    sse([
      ...functionCall("exec_command", { cmd: "echo tool output" }),
      completed({ input_tokens: 6000, output_tokens: 10 }),
    ]),
    sse([...assistantText("THE SUMMARY"), completed({ input_tokens: 100, output_tokens: 10 })]),
    sse([...assistantText("done"), completed({ input_tokens: 100, output_tokens: 10 })]),
  ],
});

requirement(["exec.compaction.trigger"], "an extra request", async () => {
  const played = await compacted();
  expect(played.requests).toHaveLength(3);
  expect(played.events.at(-1)?.type).toBe("turn.completed");
});

requirement(["exec.compaction.request"], "the compaction request", async () => {
  const { body } = (await compacted()).requests[1] ?? {};
  expect(body).toMatchObject({ tools: [], parallel_tool_calls: false, model: "gpt-5.2-codex" });
  expect(body?.input.at(-1)).toMatchObject({ type: "message", role: "user" });
  expect(JSON.stringify(body?.input)).toContain("tool output");
});

requirement(["exec.compaction.history"], "the history after compaction", async () => {
  const input = (await compacted()).requests[2]?.body.input ?? [];
  expect(input.every(({ type }) => type === "message")).toBe(true);
  expect(input[0]?.role).toBe("developer");
  const texts = input.map(textOf);
  expect(texts).toContain("the task");
  expect(texts.filter((text) => text.startsWith("<environment_context>"))).toHaveLength(1);
  expect(input.at(-1)?.role).toBe("user");
  expect(texts.at(-1)).toEndWith("\nTHE SUMMARY");
});

requirement(["exec.compaction.rollout", "exec.compaction.event"], "compaction in the rollout", async () => {
  const lines = (await compacted()).world.rollout();
  const kept = lines.filter(({ type }) => type === "compacted").map(({ payload }) => String(payload.message));
  expect(kept).toHaveLength(1);
  expect(kept[0]).toEndWith("THE SUMMARY");
  expect(lines.filter(({ payload }) => payload.type === "context_compacted")).toHaveLength(1);
});

requirement(["exec.compaction.overflow"], "a compaction that overflows", async () => {
  const played = await stage.play({
    config: "model_auto_compact_token_limit = 5000",
    responses: [
      sse([...functionCall("exec_command", { cmd: "true" }), completed({ input_tokens: 6000 })]),
      sse([failed("context_length_exceeded", "too long")]),
      answer(assistantText("THE SUMMARY")),
      answer(assistantText("done")),
    ],
  });
  const [, first, second, last] = played.requests.map(({ body }) => body.input);
  expect(second).toEqual(first?.slice(1) ?? []);
  expect(textOf(last?.at(-1))).toEndWith("\nTHE SUMMARY");
  expect(played.code).toBe(0);
});

requirement(["exec.compaction.resume"], "resuming a compacted thread", async () => {
  const world = await stage.world({
    config: "model_auto_compact_token_limit = 5000",
    responses: [
      sse([...functionCall("exec_command", { cmd: "echo tool output" }), completed({ input_tokens: 6000 })]),
      answer(assistantText("THE SUMMARY")),
      answer(assistantText("one")),
      answer(assistantText("two")),
    ],
  });
  await world.run({ prompt: "the task" });
  await world.run({ args: ["resume", "--last"], prompt: "second" });
  const input = world.server.requests[3]?.body.input ?? [];
  const texts = input.map(textOf);
  expect(texts.some((text) => text.endsWith("\nTHE SUMMARY"))).toBe(true);
  expect(texts).toContain("one");
  expect(texts).toContain("the task");
  expect(JSON.stringify(input)).not.toContain("tool output");
});
