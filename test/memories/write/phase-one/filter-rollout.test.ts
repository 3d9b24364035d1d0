import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CodexError } from "#lib/errors.ts";
import { filterRollout } from "#memories/write/phase-one/filter-rollout.ts";
import {
  answered,
  called,
  filtered,
  line,
  meta,
  numbered,
  RolloutFolder,
  STARTED,
  said,
  THREAD,
  typed,
} from "./rollout-lines.ts";

const folder = new RolloutFolder();
afterAll(() => folder[Symbol.dispose]());

const CORPUS = join(import.meta.dir, "../../../corpora/rollout");

describe("what is kept", () => {
  test("messages, calls, outputs and searches; nothing of the program's own", async () => {
    const path = folder.write([
      meta(),
      said("developer", "be safe"),
      said("user", "# AGENTS.md instructions for /home/ada/app\n\n<INSTRUCTIONS>\nalways rhyme\n</INSTRUCTIONS>"),
      said("user", "<environment_context>\n  <cwd>/home/ada/app</cwd>\n</environment_context>"),
      said("user", "<skill>\n<name>x</name>\n</skill>"),
      said("user", "mend it"),
      typed("mend it"),
      line("response_item", { type: "reasoning", summary: [{ type: "summary_text", text: "hidden" }] }),
      said("assistant", "I run it."),
      called("c1", "make"),
      line("event_msg", { type: "token_count", info: null }),
      answered("c1", 0, "fine"),
      line("response_item", { type: "web_search_call", action: { type: "search", query: "make" } }),
      line("response_item", { type: "ghost_snapshot", ghost_commit: {} }),
      line("compacted", { message: "summary" }),
    ]);
    const { texts, facts } = await filtered(path);
    expect(texts).toEqual([
      "user: mend it",
      "assistant: I run it.",
      'call c1: exec_command {"cmd":"make"}',
      "output c1: Chunk ID: abc123\nWall time: 0.1 seconds\nProcess exited with code 0\nOutput:\nfine",
      "search: make",
    ]);
    expect(facts).toMatchObject({
      threadId: THREAD,
      cwd: "/home/ada/app",
      provider: "mock",
      firstUserMessage: "mend it",
      kept: 5,
      lines: 15,
      left: { garbage: 0, oversized: {}, repeated: 0 },
    });
  });

  test("one user message loses only the parts a program put into it; images become a mark", async () => {
    const content = [
      { type: "input_text", text: "# AGENTS.md instructions for /x\n\n<INSTRUCTIONS>\nx\n</INSTRUCTIONS>" },
      { type: "input_text", text: "look at this" },
      { type: "input_image", image_url: `data:image/png;base64,${"A".repeat(5000)}` },
    ];
    const path = folder.write([meta(), line("response_item", { type: "message", role: "user", content })]);
    expect((await filtered(path)).texts).toEqual(["user: look at this\n[image]"]);
  });

  test.each(["0.101-tools-resumed.jsonl", "0.169-tools-resumed.jsonl", "0.101-continued-by-0.169.jsonl"])(
    "files that both released versions wrote: %s",
    async (name) => {
      const { texts, facts } = await filtered(join(CORPUS, name));
      expect(
        texts.filter((text) => /AGENTS\.md|environment_context|permissions|placeholder|thinking/.test(text)),
      ).toEqual([]);
      expect(texts.filter((text) => text.startsWith("user: "))).toContain("user: RUN-TOOL please");
      expect(texts.filter((text) => text.startsWith("call ")).length).toBeGreaterThan(0);
      expect(facts.firstUserMessage).toBe("RUN-TOOL please");
      expect(facts.left.garbage).toBe(0);
    },
  );

  test("every item names its line and its bytes", async () => {
    const path = join(CORPUS, "0.169-tools-resumed.jsonl");
    const bytes = readFileSync(path);
    const lines = bytes.toString("utf8").split("\n");
    for (const item of (await filtered(path)).items) {
      expect(bytes.toString("utf8", item.start, item.end)).toBe(lines[item.line - 1] ?? "");
    }
  });

  test("the first user message is the first the front end recorded, else the first item that is no block", async () => {
    const blocks = [meta(), said("user", "<environment_context>x</environment_context>"), said("user", "from an item")];
    expect((await filtered(folder.write(blocks))).facts.firstUserMessage).toBe("from an item");
    expect((await filtered(folder.write([...blocks, typed("from an event")]))).facts.firstUserMessage).toBe(
      "from an event",
    );
    const item = { type: "UserMessage", content: [{ type: "text", text: "from 0.169" }] };
    const later = [
      meta(),
      numbered(2, "event_msg", { type: "item_completed", thread_id: THREAD, turn_id: THREAD, item }),
    ];
    expect((await filtered(folder.write(later))).facts.firstUserMessage).toBe("from 0.169");
  });

  test("cwd and model are those of the last turn", async () => {
    const path = folder.write([
      meta({ git: { branch: "main" } }),
      line("turn_context", { cwd: "/home/ada/app", model: "gpt-a" }),
      line("turn_context", { cwd: "/home/ada/other", model: "gpt-b" }),
    ]);
    const { facts, marks } = await filtered(path);
    expect([facts.cwd, facts.model, facts.gitBranch]).toEqual(["/home/ada/other", "gpt-b", "main"]);
    expect(marks.filter(({ type }) => type === "cwd")).toHaveLength(2);
  });

  test("keys in another order are read as well", async () => {
    const payload = { content: [{ text: "hi", type: "input_text" }], role: "user", type: "message" };
    const path = folder.write([meta(), JSON.stringify({ payload, type: "response_item", timestamp: STARTED })]);
    expect((await filtered(path)).texts).toEqual(["user: hi"]);
  });
});

describe("forks", () => {
  const parent = "019a0000-0000-7000-8000-0000000000aa";
  const old = "2026-10-30T09:00:00.000Z";
  const turnAt = (ms: number) =>
    `${ms
      .toString(16)
      .padStart(12, "0")
      .replace(/^(.{8})(.{4})$/, "$1-$2")}-7000-8000-000000000000`;
  const startedMs = Date.parse(STARTED);
  const copied = [
    line("session_meta", { id: parent, timestamp: old, cwd: "/home/ada/app" }, STARTED),
    line("event_msg", { type: "task_started", turn_id: turnAt(startedMs - 86_400_000) }),
    said("user", "asked in the parent"),
    typed("asked in the parent"),
    said("assistant", "answered in the parent"),
  ];

  test("what a fork repeats is left out, told by the age of turn ids", async () => {
    const own = [
      line("event_msg", { type: "task_started", turn_id: turnAt(startedMs + 100) }),
      said("user", "asked in the fork"),
      typed("asked in the fork"),
    ];
    const { texts, facts } = await filtered(folder.write([meta(), ...copied, ...own]));
    expect(texts).toEqual(["user: asked in the fork"]);
    expect(facts.threadId).toBe(THREAD);
    expect(facts.left.repeated).toBe(2);
  });

  test("by time stamps where turn ids tell nothing", async () => {
    const later = "2026-11-01T10:05:00.000Z";
    const { texts } = await filtered(folder.write([meta(), ...copied, said("user", "asked in the fork", later)]));
    expect(texts).toEqual(["user: asked in the fork"]);
  });

  test("a fork that never went on has nothing of its own", async () => {
    const { texts, facts } = await filtered(folder.write([meta(), ...copied]));
    expect(texts).toEqual([]);
    expect(facts.left.repeated).toBe(2);
  });

  test("a session that repeats its own head is no fork", async () => {
    const { texts } = await filtered(folder.write([meta(), said("user", "one"), meta(), said("user", "two")]));
    expect(texts).toEqual(["user: one", "user: two"]);
  });
});

describe("damage", () => {
  test("empty files, blank lines and foreign lines", async () => {
    expect((await filtered(folder.write(""))).facts).toMatchObject({ bytes: 0, lines: 0, kept: 0, threadId: "" });
    const path = folder.write(
      `\n  \n${meta()}\nnot json\n[1,2]\n{"a":1}\n\u0000\u0001\n${said("user", "still here")}\n`,
    );
    const { texts, facts } = await filtered(path);
    expect(texts).toEqual(["user: still here"]);
    expect(facts.left.garbage).toBe(4);
  });

  test("a torn last line, cut at every byte", async () => {
    const last = said("user", "last — ü");
    const bytes = Buffer.from(`${meta()}\n${said("user", "first")}\n${last}`, "utf8");
    const whole = Buffer.byteLength(last);
    for (let cut = 1; cut < whole; cut += 7) {
      const { texts, facts } = await filtered(folder.write(bytes.subarray(0, bytes.length - cut)));
      expect(texts).toEqual(["user: first"]);
      expect(facts.left.garbage).toBe(1);
    }
    expect((await filtered(folder.write(bytes))).texts).toEqual(["user: first", "user: last — ü"]);
  });

  test("invalid UTF-8 becomes the replacement character", async () => {
    const [before, after] = said("user", "a#b").split("#");
    const bytes = Buffer.concat([
      Buffer.from(`${meta()}\n${before}`),
      Buffer.from([0xff, 0xc3]),
      Buffer.from(`${after}\n`),
    ]);
    expect((await filtered(folder.write(bytes))).texts).toEqual(["user: a\ufffd\ufffdb"]);
  });

  test("a folder or nothing at the path is an error that names it", async () => {
    const path = join(folder.path, "rollout-folder.jsonl");
    mkdirSync(path);
    for (const bad of [path, join(folder.path, "missing.jsonl")]) {
      const error = await filterRollout(bad, { item: () => {}, mark: () => {} }).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(CodexError);
      expect((error as CodexError).code).toBe("rollout_unreadable");
      expect((error as CodexError).message).toContain(bad);
    }
  });

  test("aborting stops with the signal's reason", async () => {
    const reason = new Error("enough");
    const run = filterRollout(
      folder.write([meta()]),
      { item: () => {}, mark: () => {} },
      { signal: AbortSignal.abort(reason) },
    );
    expect(await run.catch((thrown: unknown) => thrown)).toBe(reason);
  });
});

describe("chunks and long lines", () => {
  const content = [
    meta(),
    said("user", "one"),
    said("assistant", "x".repeat(700)),
    said("developer", "y".repeat(900)),
    called("c1", "make"),
    answered("c1", 2, "z".repeat(300)),
    said("user", "fin — ü"),
  ];

  test("the same items whatever the size of a chunk: every border inside every line", async () => {
    const path = folder.write(content);
    const expected = await filtered(path);
    for (let chunkBytes = 1; chunkBytes < 1400; chunkBytes += chunkBytes < 64 ? 1 : 13) {
      const { items, facts } = await filtered(path, { chunkBytes });
      expect(items).toEqual(expected.items);
      expect(facts).toEqual(expected.facts);
    }
  });

  test("lines over the limit are passed over, counted by type, and what follows is read", async () => {
    for (const chunkBytes of [64, 1000, 4096]) {
      const path = folder.write([
        meta(),
        said("user", "before"),
        said("user", "u".repeat(50_000)),
        line("response_item", { type: "reasoning", encrypted_content: "e".repeat(60_000) }),
        said("user", "between"),
        line("response_item", {
          type: "function_call_output",
          call_id: "c9",
          output: `head\n${"o".repeat(90_000)}\ntail`,
        }),
        said("user", "after"),
        said("user", "v".repeat(70_000)),
      ]);
      const { texts, facts, items } = await filtered(path, { chunkBytes, maxLineBytes: 8192 });
      expect(texts.filter((text) => text.startsWith("user"))).toEqual(["user: before", "user: between", "user: after"]);
      expect(facts.left.oversized).toEqual({ message: 2, reasoning: 1, function_call_output: 1 });
      const output = texts.find((text) => text.startsWith("output c9: head\n"));
      expect(output).toEndWith("o\ntail");
      const bytes = readFileSync(path);
      for (const { start, end } of items) expect([bytes[end], bytes[start]]).toEqual([10, 123]);
    }
  });

  test("an output that is long but held keeps its two ends and its exit code", async () => {
    const lines = Array.from({ length: 9000 }, (_, index) => `line ${index} "quoted" \\ ü`);
    const path = folder.write([meta(), answered("c1", 3, lines.join("\n"))]);
    const [text = ""] = (await filtered(path)).texts;
    expect(text).toContain("Process exited with code 3\nOutput:\nline 0 ");
    expect(text).toEndWith('line 8999 "quoted" \\ ü');
    expect(text.length).toBeLessThan(40_000);
  });

  test("a line of 40 MB costs no memory to speak of", async () => {
    const path = folder.write([meta(), said("user", "w".repeat(40_000_000)), said("user", "end")]);
    Bun.gc(true);
    const before = process.memoryUsage().rss;
    const { texts, facts } = await filtered(path);
    expect(texts).toEqual(["user: end"]);
    expect(facts.left.oversized).toEqual({ message: 1 });
    expect(process.memoryUsage().rss - before).toBeLessThan(60_000_000);
  });
});
