import { describe, expect, test } from "bun:test";
import { readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { messageText, type ResponseItem } from "#protocol/items.ts";
import { type ResumedSession, resumeSession } from "#rollout/resume.ts";
import { tempHome } from "../support/temp-home.ts";

const CORPUS = join(import.meta.dir, "../corpora/rollout");

function corpus(name: string): Promise<ResumedSession> {
  return resumeSession(join(CORPUS, `${name}.jsonl`));
}

/** A history as one short word per item. */
function outline(history: readonly ResponseItem[]): string[] {
  return history.map((item) => {
    if (item.type === "message") return `${item.role}: ${messageText(item).split("\n")[0]}`;
    return "name" in item ? `${item.type} ${item.name}` : item.type;
  });
}

const CONTEXT = [
  "developer: <permissions instructions>",
  "user: # AGENTS.md instructions for /home/user/project",
  "user: <environment_context>",
];

const ONE_TOOL_ROUND = [
  "user: RUN-TOOL please",
  "reasoning",
  "assistant: running a command",
  "function_call exec_command",
  "function_call_output",
];

describe("sessions that released versions wrote", () => {
  test("0.101: three turns, context repeated by each resume", async () => {
    const session = await corpus("0.101-tools-resumed");
    expect(outline(session.history)).toEqual([
      ...CONTEXT,
      ...ONE_TOOL_ROUND,
      "assistant: answer-2",
      ...CONTEXT,
      "user: second question",
      "assistant: answer-5",
      ...CONTEXT,
      "user: PATCH-TOOL please",
      "custom_tool_call apply_patch",
      "custom_tool_call_output",
      "assistant: answer-7",
    ]);
    expect(session).toMatchObject({
      cwd: "/home/user/project",
      lastTurn: "completed",
      garbageLines: 0,
      updatedAtMs: Date.parse("2026-11-23T01:57:05.317Z"),
      lastTurnContext: { model: "gpt-5.2-codex", cwd: "/home/user/project" },
      rateLimits: {
        limit_id: "codex",
        limit_name: null,
        primary: null,
        secondary: null,
        credits: null,
        plan_type: null,
      },
    });
    expect(session.usage).toEqual({
      total_token_usage: {
        input_tokens: 500,
        cached_input_tokens: 50,
        output_tokens: 100,
        reasoning_output_tokens: 25,
        total_tokens: 600,
      },
      last_token_usage: {
        input_tokens: 100,
        cached_input_tokens: 10,
        output_tokens: 20,
        reasoning_output_tokens: 5,
        total_tokens: 120,
      },
      model_context_window: 258_400,
    });
    expect(session.meta).toMatchObject({
      source: "exec",
      cli_version: "0.101.0",
      model_provider: "mock",
      git: { branch: "master", commit_hash: expect.stringMatching(/^[0-9a-f]{40}$/) },
    });
  });

  test("0.169: the same conversation, without ids and bookkeeping", async () => {
    const session = await corpus("0.169-tools-resumed");
    expect(outline(session.history)).toEqual([
      "developer: <skills_instructions>",
      "user: # AGENTS.md instructions for /home/user/project",
      ...ONE_TOOL_ROUND,
      "assistant: answer-4",
      "user: second question",
      expect.stringMatching(/^assistant: answer-\d+$/),
      "user: PATCH-TOOL please",
      "custom_tool_call apply_patch",
      "custom_tool_call_output",
      expect.stringMatching(/^assistant: answer-\d+$/),
    ]);
    const keys = new Set(session.history.flatMap((item) => Object.keys(item)));
    expect([...keys].sort()).toEqual([
      "arguments",
      "call_id",
      "content",
      "encrypted_content",
      "input",
      "name",
      "output",
      "role",
      "status",
      "summary",
      "type",
    ]);
    expect(session.usage?.total_token_usage.total_tokens).toBe(600);
    expect(session).toMatchObject({ lastTurn: "completed", garbageLines: 0, cwd: "/home/user/project" });
  });

  test("each version's session continued by the other", async () => {
    for (const [name, questions] of [
      ["0.101-continued-by-0.169", ["RUN-TOOL please", "second question", "PATCH-TOOL please", "cross question"]],
      ["0.169-continued-by-0.101", ["RUN-TOOL please", "second question", "PATCH-TOOL please", "cross question"]],
    ] as const) {
      const session = await corpus(name);
      const asked = outline(session.history).filter((line) => /^user: (?![#<])/.test(line));
      expect(asked).toEqual(questions.map((question) => `user: ${question}`));
      expect(session).toMatchObject({ lastTurn: "completed", garbageLines: 0 });
      expect(session.usage?.total_token_usage.total_tokens).toBe(720);
    }
  });

  test("an interrupted turn keeps its marker and the output of the aborted call", async () => {
    for (const name of ["0.101-interrupted", "0.169-interrupted"]) {
      const session = await corpus(name);
      expect(session.lastTurn).toBe("aborted");
      expect(outline(session.history).slice(-3)).toEqual([
        "function_call exec_command",
        "function_call_output",
        "user: <turn_aborted>",
      ]);
    }
  });

  test("0.101 compaction records only its summary: context, the user's words and the summary remain", async () => {
    const session = await corpus("0.101-compacted");
    expect(outline(session.history)).toEqual([
      ...CONTEXT,
      "user: RUN-TOOL BIG-USAGE",
      "user: placeholder prefix",
      "assistant: answer-12",
    ]);
    expect([...session.summaries]).toEqual(["placeholder prefix\nanswer-11"]);
  });

  test("0.169 compaction records the history that replaces the old one", async () => {
    const session = await corpus("0.169-compacted");
    expect(outline(session.history)).toEqual([
      "developer: <skills_instructions>",
      "user: # AGENTS.md instructions for /home/user/project",
      "user: RUN-TOOL BIG-USAGE",
      "user: placeholder prefix",
      "assistant: answer-21",
    ]);
  });

  test("reviews: the parent has the result, the child says what it is", async () => {
    for (const version of ["0.101", "0.169"]) {
      const parent = await corpus(`${version}-review-parent`);
      const child = await corpus(`${version}-review-child`);
      expect(parent.meta.source).toBe("exec");
      expect(child.meta.source).toEqual({ subagent: "review" });
      expect(outline(parent.history).at(-1)).toMatch(/^assistant: answer-\d+$/);
      expect(outline(child.history).slice(-2)).toEqual([
        "user: Review the current code changes (staged, unstaged, and untracked files) and provide prioritized findings.",
        expect.stringMatching(/^assistant: answer-\d+$/),
      ]);
    }
  });

  test("cut at any byte, a session still resumes with what came before", async () => {
    await using home = await tempHome();
    for (const name of ["0.101-interrupted", "0.169-interrupted"]) {
      const whole = readFileSync(join(CORPUS, `${name}.jsonl`));
      const head = whole.indexOf("\n");
      const path = home.write("cut.jsonl", whole);
      let items = Number.POSITIVE_INFINITY;
      for (let size = whole.length; size > head; size -= 97) {
        truncateSync(path, size);
        const session = await resumeSession(path);
        expect(session.garbageLines).toBeLessThanOrEqual(1);
        expect(session.history.length).toBeLessThanOrEqual(items);
        items = session.history.length;
      }
    }
  });
});
