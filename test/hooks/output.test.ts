import { describe, expect, test } from "bun:test";
import type { Hook, HookEvent } from "#hooks/config.ts";
import { type HookVerdict, mergeVerdicts, verdictOf } from "#hooks/output.ts";

/** What a command that printed this means; it ended with 0 unless `end` says otherwise. */
function verdict(
  event: HookEvent,
  stdout: string,
  more: Partial<Hook> = {},
  end: { code: number; stderr: string } = { code: 0, stderr: "" },
): HookVerdict {
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
  return verdictOf(hook, { type: "exited", stdout, ...end }, (text) => text);
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

test("what people are shown of a hook that failed hides nothing and is not without end", () => {
  const hook = { handler: { type: "command", command: "guard\u202e \u200b" } } as const;
  expect(verdict("PreToolUse", "nonsense", hook).block).toStartWith(
    'The PreToolUse hook "guard\\u{202e} \\u{200b}" failed: it ',
  );
  const { messages } = verdict("Stop", "", {}, { code: 1, stderr: "x".repeat(100_000) });
  expect(messages).toEqual([`The Stop hook "guard" failed: it ended with exit code 1: ${"x".repeat(2000)}`]);
});

test("a decision in a list is not one", () => {
  const stdout = '{"hookSpecificOutput":{"decision":[{"behavior":"deny"}]}}';
  expect(verdict("PermissionRequest", stdout).block).toContain("`hookSpecificOutput.decision`");
});

test("a consent with a key that nobody knows is none", () => {
  const stdout = '{"hookSpecificOutput":{"decision":{"behavior":"allow","onlyFor":"root"}}}';
  const { permission, block } = verdict("PermissionRequest", stdout);
  expect(permission).toBeNull();
  expect(block).toContain("`hookSpecificOutput.decision.onlyFor`, which is no answer to");
});

test("of several answers the strictest counts: a refusal that ends the turn, a refusal, a consent", () => {
  const answered = (decision: object) =>
    verdict("PermissionRequest", JSON.stringify({ hookSpecificOutput: { decision } }));
  const allow = answered({ behavior: "allow" });
  const deny = answered({ behavior: "deny", message: "no" });
  const end = answered({ behavior: "deny", message: "end", interrupt: true });
  expect(mergeVerdicts([allow, deny, end]).permission).toEqual({ behavior: "deny", message: "end", interrupt: true });
  expect(mergeVerdicts([allow, deny]).permission).toEqual({ behavior: "deny", message: "no", interrupt: false });
  expect(mergeVerdicts([allow, verdict("PermissionRequest", "{}")]).permission).toEqual({ behavior: "allow" });
});

test("a hook that ends the turn counts before one that only blocks", () => {
  const block = verdict("Stop", '{"decision":"block","reason":"go on"}');
  const stop = verdict("Stop", '{"continue":false,"stopReason":"enough"}');
  expect(mergeVerdicts([block, stop])).toMatchObject({ block: "enough", stop: true });
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
