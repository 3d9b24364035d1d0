import { describe, expect, test } from "bun:test";
import type { Hook, HookEvent } from "#hooks/config.ts";
import { type HookVerdict, verdictOf } from "#hooks/output.ts";

/** What a command that ended with 0 and printed this means. */
function verdict(event: HookEvent, stdout: string, more: Partial<Hook> = {}): HookVerdict {
  const hook: Hook = {
    key: "k",
    event,
    matcher: undefined,
    handler: { type: "command", command: "guard" },
    timeoutMs: 1000,
    isAsync: false,
    onError: event === "PreToolUse" || event === "PermissionRequest" ? "block" : "ignore",
    contextLimit: 2500,
    statusMessage: undefined,
    file: null,
    isProject: false,
    ...more,
  };
  return verdictOf(hook, { type: "exited", code: 0, stdout, stderr: "" }, (text) => text);
}

const UTF16 = Buffer.from('\ufeff{"decision":"block"}', "utf16le").toString("utf8");

describe.each(["PreToolUse", "PermissionRequest"] as const)(
  "what a %s hook prints and does not mean anything",
  (event) => {
    const deny = event === "PreToolUse" ? { permissionDecision: "deny" } : { decision: { behavior: "deny" } };
    const foreign = event === "PreToolUse" ? { decision: { behavior: "deny" } } : { permissionDecision: "deny" };
    const refusal = JSON.stringify({ hookSpecificOutput: deny });
    const nonsense: [string, string, string][] = [
      ["the specific output in a list", JSON.stringify({ hookSpecificOutput: [deny] }), "`hookSpecificOutput`"],
      ["an empty list for it", '{"hookSpecificOutput":[]}', "`hookSpecificOutput`"],
      ["a list", `[${refusal}]`, "not one JSON object"],
      ["a text", '"deny"', "not one JSON object"],
      ["a number", "1", "not one JSON object"],
      ["a log line in front", `checking\n${refusal}`, "not one JSON object"],
      ["a line behind", `${refusal}\nbye`, "not JSON"],
      ["two objects", `{}\n${refusal}`, "not JSON"],
      ["UTF-16", UTF16, "not one JSON object"],
      ["UTF-16 without a mark", UTF16.replaceAll("\ufffd", ""), "not JSON"],
      ["plain text", "denied", "not one JSON object"],
      ["a key above its level", '{"permissionDecision":"deny"}', "`permissionDecision`, which is no answer to"],
      ["another one", '{"behavior":"deny"}', "`behavior`"],
      ["a key below its level", '{"hookSpecificOutput":{"reason":"no"}}', "`hookSpecificOutput.reason`"],
      ["what the other guard answers", JSON.stringify({ hookSpecificOutput: foreign }), "`hookSpecificOutput."],
      ["a key nobody knows", '{"descision":"block"}', "`descision`"],
      ["a prototype", '{"__proto__":{"decision":"block"}}', "`__proto__`"],
      ["a word nobody knows", '{"decision":"deny"}', "`decision`"],
    ];
    test.each(nonsense)("%s", (_what, stdout, shown) => {
      const blocked = verdict(event, stdout);
      expect(blocked.block).toContain(shown);
      expect(blocked.messages).toEqual([blocked.block ?? ""]);
      expect(verdict(event, stdout, { onError: "ignore" })).toMatchObject({ block: null, messages: [blocked.block] });
    });

    test.each([
      "",
      "\n \t\r\n",
      "{}",
      "\ufeff{}\n",
      '{"suppressOutput":true,"hookSpecificOutput":null,"decision":null}',
    ])("is not %j, which is no opinion", (stdout) => {
      expect(verdict(event, stdout)).toMatchObject({ block: null, permission: null, messages: [] });
    });

    test("is not a refusal behind a byte order mark", () => {
      const { block, permission } = verdict(event, `\ufeff${refusal}\n`);
      expect(block ?? permission?.behavior).toBe(event === "PreToolUse" ? "the hook gave no reason" : "deny");
    });
  },
);

test("a decision in a list is not one", () => {
  const stdout = '{"hookSpecificOutput":{"decision":[{"behavior":"deny"}]}}';
  expect(verdict("PermissionRequest", stdout).block).toContain("`hookSpecificOutput.decision`");
});

test("other events go on ignoring text and keys they do not know, but no list in place of an object", () => {
  expect(verdict("Stop", "done")).toMatchObject({ block: null, messages: [] });
  expect(verdict("Stop", '[{"decision":"block"}]')).toMatchObject({ block: null, messages: [] });
  expect(verdict("Stop", '{"permissionDecision":"deny"}')).toMatchObject({ block: null, messages: [] });
  expect(verdict("UserPromptSubmit", "context")).toMatchObject({ contexts: ["context"] });
  const list = verdict("Stop", '{"hookSpecificOutput":[{"additionalContext":"x"}]}');
  expect(list).toMatchObject({ block: null, messages: [expect.stringContaining("`hookSpecificOutput`")] });
});

test("a hook that is a whole script is known by its beginning when it fails", () => {
  const command = `echo ${"x".repeat(100_000)}`;
  const { block } = verdict("PreToolUse", "nonsense", { handler: { type: "command", command } });
  expect(block).toStartWith('The PreToolUse hook "echo xxx');
  expect(block).toContain("xxx… failed: it answered with");
  expect(block?.length).toBeLessThan(600);
});
