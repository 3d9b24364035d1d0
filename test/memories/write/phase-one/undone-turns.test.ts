import { afterAll, expect, test } from "bun:test";
import { extractThread } from "#memories/write/phase-one/extract-thread.ts";
import { filtered, line, meta, RolloutFolder, said, THREAD, typed } from "./rollout-lines.ts";

const folder = new RolloutFolder();
afterAll(() => folder[Symbol.dispose]());

const started = (id: string) => line("event_msg", { type: "task_started", turn_id: id });
const ended = line("event_msg", { type: "task_complete", last_agent_message: null });
const takenBack = (turns: unknown) => line("event_msg", { type: "thread_rolled_back", num_turns: turns });

function turn(id: string, text: string): string[] {
  return [started(id), said("user", text), typed(text), said("assistant", `done ${id}`), ended];
}

/** What is left of a rollout once the lines that were taken back are known. */
async function left(...lines: string[]) {
  const path = folder.write([meta(), ...lines]);
  const { facts } = await filtered(path);
  return filtered(path, { without: facts.undone });
}

test("a turn that was taken back is passed over, with its beginning and its end", async () => {
  const { texts, marks, facts } = await left(
    ...turn("a", "one"),
    ...turn("b", "two"),
    takenBack(1),
    ...turn("c", "three"),
  );
  expect(texts).toEqual(["user: one", "assistant: done a", "user: three", "assistant: done c"]);
  expect(marks.map(({ type }): string => type).filter((type) => type !== "cwd")).toEqual([
    ...["turn_started", "user_typed", "turn_ended"],
    ...["turn_started", "user_typed", "turn_ended"],
  ]);
  expect(facts).toMatchObject({ kept: 4, left: { undone: 2 }, firstUserMessage: "one" });
});

test("turns are taken back in turn, also the first and all of them", async () => {
  const both = [...turn("a", "one"), ...turn("b", "two")];
  expect((await left(...both, takenBack(1), takenBack(1), ...turn("c", "three"))).texts).toEqual([
    "user: three",
    "assistant: done c",
  ]);
  expect((await left(...both, takenBack(9))).facts).toMatchObject({ kept: 0, firstUserMessage: "" });
  expect((await left(...both, takenBack(2), ...turn("c", "three"))).facts.firstUserMessage).toBe("three");
});

test.each([[0], [-1], ["1x"], [null], [undefined], [Number.NaN]])("%p turns take nothing back", async (turns) => {
  expect((await left(...turn("a", "one"), takenBack(turns))).facts).toMatchObject({ kept: 2, undone: [] });
});

test("what was said in a turn that was taken back is no memory", async () => {
  const wish = (word: string) => `From now on always write commit messages in ${word}.`;
  const path = folder.write([
    meta(),
    ...turn("a", wish("English")),
    ...turn("b", wish("Latin")),
    takenBack(1),
    ...turn("c", "Thanks."),
  ]);
  const plan = { type: "builtin" } as const;
  const signal = new AbortController().signal;
  const result = await extractThread({ threadId: THREAD, rolloutPath: path }, plan, { signal });
  if (result.type !== "extracted" || result.extraction === null) throw new Error("nothing extracted");
  const { rawMemory, rolloutSummary } = result.extraction;
  expect(rawMemory).toContain("English");
  expect(rawMemory + rolloutSummary).not.toContain("Latin");
});
