import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { messageText, type ResponseItem, textMessage } from "#protocol/items.ts";
import { parseRolloutLine } from "#rollout/parse-line.ts";
import { type ResumedSession, resumeSession } from "#rollout/resume.ts";
import { tempHome } from "../support/temp-home.ts";

const CORPUS = join(import.meta.dir, "../corpora/rollout");

/** A history as one short word per item. */
function outline(history: readonly ResponseItem[]): string[] {
  return history.map((item) => {
    if (item.type === "message") return `${item.role}: ${messageText(item).split("\n")[0]}`;
    return "name" in item ? `${item.type} ${item.name}` : item.type;
  });
}

describe("lines", () => {
  const id = "01a2061d-e0e3-7330-a6da-d6eab24cfc31";
  const meta = line("session_meta", { id, cwd: "/p", source: "cli" });

  function line(type: string, payload: unknown, extra: object = {}): string {
    return `${JSON.stringify({ timestamp: "2026-11-22T10:00:00.000Z", ...extra, type, payload })}\n`;
  }

  function item(payload: unknown): string {
    return line("response_item", payload);
  }

  function says(role: string, text: string): string {
    return item({
      type: "message",
      role,
      content: [{ type: role === "assistant" ? "output_text" : "input_text", text }],
    });
  }

  async function replay(...lines: string[]): Promise<ResumedSession> {
    await using home = await tempHome();
    return await resumeSession(home.write("s.jsonl", lines.join("")));
  }

  test("foreign, damaged and torn lines are counted and skipped, unknown types skipped", async () => {
    const session = await replay(
      "#!/bin/sh\n",
      meta,
      "null\n[1]\n\n   \n",
      '{"type":"response_item"}\n',
      line("world_state", { full: true }),
      line("event_msg", { type: "from_the_future" }),
      item({ type: "message", role: "user" }),
      item({ type: "ghost_snapshot", ghost_commit: {} }),
      says("user", "hello"),
      '{"timestamp":"2026-11-22T10:00:00.000Z","type":"resp',
    );
    expect(outline(session.history)).toEqual(["user: hello"]);
    expect(session.garbageLines).toBe(5);
  });

  test("invalid UTF-8 inside a line costs the character, not the line", async () => {
    await using home = await tempHome();
    const [before, after] = says("user", "a|b").split("|");
    const path = home.write(
      "s.jsonl",
      Buffer.concat([Buffer.from(meta + before), Buffer.from([0xff]), Buffer.from(after ?? "")]),
    );
    expect((await resumeSession(path)).history).toEqual([textMessage("user", "a\ufffdb")]);
  });

  test("a file without session_meta, an empty file and a folder are errors that name the file", async () => {
    await using home = await tempHome();
    const foreign = home.write("foreign.jsonl", '{"a":1}\n{"b":2}\n');
    expect(resumeSession(foreign)).rejects.toThrow(
      `Cannot resume the session file "${foreign}": none of its 2 lines is a session_meta record, so it is not a Codex session`,
    );
    const empty = home.write("empty.jsonl", "");
    expect(resumeSession(empty)).rejects.toThrow(`"${empty}": none of its 0 lines`);
    expect(resumeSession(home.root)).rejects.toThrow(`"${home.root}": Is a directory (os error 21)`);
  });

  test("items keep exactly what a request may carry", async () => {
    const session = await replay(
      meta,
      item({
        type: "message",
        id: "msg_1",
        role: "assistant",
        phase: "commentary",
        status: "completed",
        content: [
          { type: "output_text", text: "a", annotations: [] },
          { type: "refusal", refusal: "no" },
          { type: "new_part" },
        ],
      }),
      item({ type: "message", role: "user", content: [{ type: "input_image", image_url: "data:x", detail: "high" }] }),
      item({
        type: "function_call",
        id: "fc",
        status: "completed",
        namespace: "mcp__tiny",
        name: "echo",
        arguments: "{",
        call_id: "c1",
      }),
      item({ type: "function_call_output", id: "fco", call_id: "c1", output: [{ type: "input_text", text: "t" }, 7] }),
      item({
        type: "local_shell_call",
        id: "lsh",
        call_id: "c2",
        status: "completed",
        action: { type: "exec", command: ["ls"] },
      }),
      item({ type: "web_search_call", id: "ws", status: "completed", action: { type: "search", query: "q" } }),
      item({
        type: "reasoning",
        id: "rs",
        summary: [{ type: "summary_text", text: "s" }],
        content: [{ type: "text", text: "r" }],
      }),
      item({ type: "tool_search_call", call_id: "x" }),
      item({ type: "compaction", encrypted_content: "E" }),
      item({ type: "function_call", name: 1, arguments: "{}", call_id: "bad" }),
    );
    expect(session.history).toEqual([
      {
        type: "message",
        role: "assistant",
        phase: "commentary",
        content: [
          { type: "output_text", text: "a" },
          { type: "output_text", text: "no" },
        ],
      },
      { type: "message", role: "user", content: [{ type: "input_image", image_url: "data:x", detail: "high" }] },
      { type: "function_call", name: "mcp__tiny__echo", arguments: "{", call_id: "c1" },
      { type: "function_call_output", call_id: "c1", output: [{ type: "input_text", text: "t" }] },
      {
        type: "local_shell_call",
        call_id: "c2",
        status: "completed",
        action: { type: "exec", command: ["ls"], timeout_ms: null, working_directory: null, env: null, user: null },
      },
      { type: "web_search_call", status: "completed", action: { type: "search", query: "q" } },
      {
        type: "reasoning",
        summary: [{ type: "summary_text", text: "s" }],
        content: [{ type: "text", text: "r" }],
        encrypted_content: null,
      },
      { type: "unknown", raw: { type: "compaction", encrypted_content: "E" } },
    ]);
  });

  test("a forked session's own meta is the first one", async () => {
    const session = await replay(
      meta,
      line("session_meta", { id: "01a2061d-0000-7330-a6da-d6eab24cfc31", cwd: "/other" }),
    );
    expect(session.meta).toMatchObject({ id, cwd: "/p", source: "cli" });
  });

  test("a crash in the middle of a turn shows; cwd follows the last turn", async () => {
    const session = await replay(
      meta,
      line("event_msg", { type: "task_started", turn_id: "t" }),
      line("turn_context", { turn_id: "t", cwd: "/moved", model: "m" }),
      says("user", "hi"),
    );
    expect(session).toMatchObject({ lastTurn: "unfinished", cwd: "/moved", usage: null });
    expect((await replay(meta)).lastTurn).toBe("none");
  });

  test("rolled back turns are gone", async () => {
    const turns = [
      says("user", "<environment_context>x"),
      says("user", "one"),
      says("assistant", "1"),
      says("user", "two"),
      says("assistant", "2"),
    ];
    const rolledBack = (count: number) => line("event_msg", { type: "thread_rolled_back", num_turns: count });
    expect(outline((await replay(meta, ...turns, rolledBack(1), says("user", "three"))).history)).toEqual([
      "user: <environment_context>x",
      "user: one",
      "assistant: 1",
      "user: three",
    ]);
    expect(outline((await replay(meta, ...turns, rolledBack(9))).history)).toEqual(["user: <environment_context>x"]);
    expect((await replay(meta, ...turns, rolledBack(0))).history).toHaveLength(5);
  });

  test("a second compaction replaces the first summary and keeps the newest 20,000 tokens of user text", async () => {
    const context = [says("developer", "<permissions instructions>"), says("user", "<environment_context>")];
    const session = await replay(
      meta,
      ...context,
      says("user", `dropped ${"a".repeat(60_000)}`),
      says("user", `${"b".repeat(40_000)} kept end`),
      says("assistant", "working"),
      line("compacted", { message: "first summary" }),
      ...context,
      says("user", "c".repeat(50_000)),
      line("compacted", { message: "second summary" }),
    );
    const sizes = session.history.map((entry) => (entry.type === "message" ? messageText(entry).length : 0));
    expect(outline(session.history).at(-1)).toBe("user: second summary");
    expect(sizes).toEqual([26, 21, 80_000 - 50_000, 50_000, 14]);
    expect(messageText(session.history[2] as ReturnType<typeof textMessage>)).toEndWith(" kept end");
    expect([...session.summaries]).toEqual(["first summary", "second summary"]);
  });

  test("a line of 100 MB and 20,000 small ones in one session", async () => {
    await using home = await tempHome();
    const path = home.write("big.jsonl", meta);
    const big = "x".repeat(100 << 20);
    writeFileSync(path, item({ type: "function_call_output", call_id: "c", output: big }), { flag: "a" });
    writeFileSync(path, says("user", "small").repeat(20_000), { flag: "a" });
    const session = await resumeSession(path);
    expect(session.history).toHaveLength(20_001);
    expect((session.history[0] as { output: string }).output.length).toBe(big.length);
  }, 60_000);

  test("reading stops when aborted", async () => {
    const reading = resumeSession(join(CORPUS, "0.101-compacted.jsonl"), {
      signal: AbortSignal.abort(new Error("stop")),
    });
    expect(reading).rejects.toThrow("stop");
  });

  test("no JSON whatever makes reading fail", () => {
    const types = ["session_meta", "response_item", "turn_context", "compacted", "event_msg", "new_type"];
    const kinds = [
      "message",
      "reasoning",
      "function_call",
      "custom_tool_call",
      "function_call_output",
      "local_shell_call",
    ];
    const keys = ["type", "role", "content", "summary", "action", "output", "call_id", "info", "git", "source", "id"];
    const anything = fc.jsonValue({ maxDepth: 3 });
    const payload = fc.dictionary(fc.constantFrom(...keys), anything);
    const kind = fc.constantFrom(...kinds, "token_count", "thread_rolled_back");
    fc.assert(
      fc.property(fc.constantFrom(...types), kind, payload, anything, (type, kindName, fields, metadata) => {
        for (const candidate of [fields, { ...fields, type: kindName }]) {
          const { record } = parseRolloutLine(JSON.stringify({ type, payload: candidate, metadata }));
          expect(record.type).toBeString();
        }
      }),
      { numRuns: 2000 },
    );
  });
});
