import { afterAll, describe, expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { blockBuffer } from "#state/rollout-bytes.ts";
import { type EarlierFacts, readRolloutFacts } from "#state/rollout-facts.ts";
import { rolloutText, T, threadId } from "./home.ts";

const BLOCK = 1 << 20;
const folder = mkdtempSync(join(tmpdir(), "codex-facts-"));
const buffer = blockBuffer();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function file(...content: (string | object)[]): string {
  const path = join(folder, `${files++}.jsonl`);
  writeFileSync(path, content.map((line) => (typeof line === "string" ? line : `${JSON.stringify(line)}\n`)).join(""));
  return path;
}

function facts(path: string, earlier?: EarlierFacts) {
  return readRolloutFacts(path, { size: statSync(path).size, buffer, ...(earlier !== undefined && { earlier }) });
}

const at = (seconds: number) => new Date(seconds * 1000).toISOString();
const line = (type: string, payload: object, seconds = T) => ({ timestamp: at(seconds), type, payload });
const meta = (changes: object = {}) =>
  line("session_meta", { id: threadId(1), timestamp: at(T), cwd: "/w", source: "cli", ...changes });
const event = (message: string) => line("event_msg", { type: "user_message", message });
const userItem = (text: string) =>
  line("response_item", { type: "message", role: "user", content: [{ type: "input_text", text }] });
const mode = (memory_mode: string) => line("event_msg", { type: "memory_mode", memory_mode });
const context = (model: string) => line("turn_context", { cwd: "/w", model });
const filler = (bytes: number) => line("response_item", { type: "other", text: "x".repeat(bytes) });

describe("the first user message", () => {
  test("is the first event, whatever items stand before it", () => {
    const path = file(meta(), userItem("<environment_context>…"), userItem("the item"), event("the event"));
    expect(facts(path)?.firstUserMessage).toBe("the event");
  });

  test("is the first item that is the user's own where no event says it", () => {
    const path = file(meta(), userItem("# AGENTS.md instructions for /w"), userItem("hello"), userItem("again"));
    expect(facts(path)?.firstUserMessage).toBe("hello");
  });

  test("is read from the newer kind of event", () => {
    const item = { type: "UserMessage", content: [{ type: "text", text: "new form" }] };
    const path = file(meta(), line("event_msg", { type: "item_completed", item }));
    expect(facts(path)?.firstUserMessage).toBe("new form");
  });

  test("is empty when nothing was said, and found behind a line of 10 MB", () => {
    expect(facts(file(meta(), filler(10)))?.firstUserMessage).toBe("");
    expect(facts(file(meta(), filler(10 << 20), event("late")))?.firstUserMessage).toBe("late");
  });
});

describe("the memory mode", () => {
  test("is the session's, then that of the last record, wherever it stands", () => {
    expect(facts(file(meta()))?.memoryMode).toBe("enabled");
    expect(facts(file(meta({ memory_mode: "disabled" })))?.memoryMode).toBe("disabled");
    expect(facts(file(meta({ memory_mode: "disabled" }), mode("enabled")))?.memoryMode).toBe("enabled");
    expect(facts(file(meta(), filler(BLOCK), mode("disabled"), filler(3 * BLOCK)))?.memoryMode).toBe("disabled");
    expect(facts(file(meta(), mode("disabled"), filler(BLOCK), meta({ memory_mode: "enabled" })))?.memoryMode).toBe(
      "enabled",
    );
  });

  test("is never left once polluted", () => {
    expect(facts(file(meta(), mode("polluted"), mode("enabled")))?.memoryMode).toBe("polluted");
  });

  test("is not changed by text that only quotes such a record, nor by a parent's", () => {
    const quoted = JSON.stringify(mode("disabled"));
    expect(facts(file(meta(), event(quoted), userItem(quoted)))?.memoryMode).toBe("enabled");
    const parent = meta({ id: threadId(2), memory_mode: "disabled" });
    expect(facts(file(meta(), parent, event("go on")))?.memoryMode).toBe("enabled");
  });

  test("is found at every offset around the end of a block", () => {
    const record = `${JSON.stringify(mode("disabled"))}\n`;
    const head = `${JSON.stringify(meta())}\n`;
    const empty = `${JSON.stringify(filler(0))}\n`;
    for (let shift = -2; shift <= record.length + 2; shift += 3) {
      const padding = BLOCK - head.length - empty.length - shift;
      const path = file(head, filler(padding), record, filler(100));
      expect(facts(path)?.memoryMode).toBe("disabled");
      rmSync(path);
    }
  });
});

describe("the model", () => {
  test("is the last turn's", () => {
    expect(facts(file(meta()))?.model).toBeNull();
    expect(facts(file(meta(), context("a"), filler(2 * BLOCK), context("b"), filler(2 * BLOCK)))?.model).toBe("b");
  });
});

describe("the time of the last line", () => {
  test("is that of the last complete one", () => {
    const whole = file(rolloutText(threadId(1), { updatedAt: T + 7 }));
    expect(facts(whole)?.updatedAtMs).toBe((T + 7) * 1000);
    appendFileSync(whole, JSON.stringify(line("event_msg", {}, T + 99)).slice(0, -1));
    expect(facts(whole)?.updatedAtMs).toBe((T + 7) * 1000);
    appendFileSync(whole, "}\n");
    expect(facts(whole)?.updatedAtMs).toBe((T + 99) * 1000);
  });

  test("is looked for before lines that have none, and may lie before earlier ones", () => {
    expect(facts(file(meta(), line("event_msg", {}, T - 500), "garbage\n", "\n", "{}\n"))?.updatedAtMs).toBe(
      (T - 500) * 1000,
    );
  });

  test("is unknown when no line tells it", () => {
    expect(facts(file({ type: "session_meta", payload: { id: threadId(1) } }))?.updatedAtMs).toBeUndefined();
  });

  test("is read from the head of a line of 100 MB", () => {
    const path = file(
      meta(),
      event("hi"),
      line("response_item", { type: "other", text: "y".repeat(100 << 20) }, T + 3),
    );
    expect(facts(path)).toMatchObject({ updatedAtMs: (T + 3) * 1000, firstUserMessage: "hi" });
    rmSync(path);
  });
});

describe("a second look", () => {
  test("reads only what was added", () => {
    const path = file(meta(), event("hi"), context("a"), mode("disabled"), filler(3 * BLOCK));
    const first = facts(path);
    if (first === undefined) throw new Error("no facts");
    expect(first.scannedBytes).toBe(statSync(path).size);
    appendFileSync(path, `${JSON.stringify(line("event_msg", {}, T + 9))}\n`);
    expect(facts(path, first)).toEqual({ ...first, updatedAtMs: (T + 9) * 1000, scannedBytes: statSync(path).size });
    appendFileSync(path, `${JSON.stringify(context("b"))}\n${JSON.stringify(mode("enabled"))}\n`);
    expect(facts(path, first)).toMatchObject({ model: "b", memoryMode: "enabled", firstUserMessage: "hi" });
  });

  test("starts anew where the file is another one now", () => {
    const path = file(meta(), event("hi"), mode("disabled"), filler(BLOCK));
    const first = facts(path);
    truncateSync(path, 0);
    appendFileSync(path, `${JSON.stringify(meta())}\n${JSON.stringify(event("other"))}\n`);
    if (first !== undefined) first.firstUserMessage = "";
    expect(facts(path, first)).toMatchObject({ memoryMode: "enabled", firstUserMessage: "other" });
  });
});

describe("a file that is no rollout", () => {
  test("has no facts", () => {
    expect(facts(file(""))).toBeUndefined();
    expect(facts(file("not json\n"))).toBeUndefined();
    expect(facts(file(...Array.from({ length: 8 }, () => event("early")), meta()))).toBeUndefined();
    expect(facts(file(...Array.from({ length: 7 }, () => event("early")), meta()))).toBeDefined();
  });

  test("may be broken in any byte", () => {
    const path = file(rolloutText(threadId(1), { updatedAt: T, lines: [mode("disabled"), "\u0000\u0001"] }));
    const size = statSync(path).size;
    for (let cut = 0; cut <= size; cut++) readRolloutFacts(path, { size: cut, buffer });
    writeFileSync(
      path,
      Buffer.concat([Buffer.from(`${JSON.stringify(meta())}\n`), Buffer.from([0xff, 0xfe, 10, 0xc3])]),
    );
    expect(facts(path)?.meta.id).toBe(threadId(1));
  });
});
