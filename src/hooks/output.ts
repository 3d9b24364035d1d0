import * as v from "valibot";
import { messageOf } from "#lib/errors.ts";
import type { PermissionAnswer } from "#protocol/approvals.ts";
import { FAIL_CLOSED, type Hook, type HookEvent, hookName } from "./config.ts";
import { jsonObject, misplacedKey } from "./output-shape.ts";
import type { HookRun } from "./run-hook.ts";
import { visibleText } from "./visible-text.ts";

/** What one hook wants, or what all hooks of an event want together. */
export interface HookVerdict {
  /** Why what the hook watches must not go on, or null. */
  block: string | null;
  /** True: the turn (or compaction) ends, and no hook may keep it going. `block` says why. */
  stop: boolean;
  /** Of PermissionRequest: what is to be answered instead of asking a person; null leaves it open. */
  permission: PermissionAnswer | null;
  /** Of PreToolUse: why a person is to be asked, or null. */
  ask: string | null;
  /** Of PreToolUse, another input; of PostToolUse, another output of an MCP tool. */
  replacement: { value: unknown } | null;
  /** Texts for the model. */
  contexts: string[];
  /** Texts for a person. */
  messages: string[];
}

const PERMISSION = jsonObject({
  behavior: v.picklist(["allow", "deny"]),
  message: v.nullish(v.string()),
  interrupt: v.nullish(v.boolean()),
  updatedInput: v.optional(v.unknown()),
  updatedPermissions: v.optional(v.unknown()),
});
const SPECIFIC = jsonObject({
  additionalContext: v.nullish(v.string()),
  permissionDecision: v.nullish(v.picklist(["allow", "deny", "ask"])),
  permissionDecisionReason: v.nullish(v.string()),
  updatedInput: v.optional(v.unknown()),
  updatedMCPToolOutput: v.optional(v.unknown()),
  decision: v.nullish(PERMISSION),
});
const OUTPUT = jsonObject({
  continue: v.nullish(v.boolean()),
  stopReason: v.nullish(v.string()),
  suppressOutput: v.nullish(v.boolean()),
  systemMessage: v.nullish(v.string()),
  decision: v.nullish(v.picklist(["approve", "block"])),
  reason: v.nullish(v.string()),
  hookSpecificOutput: v.nullish(SPECIFIC),
});
type Output = v.InferOutput<typeof OUTPUT>;

/** Shortens a text of a hook that the model is to read to about that many tokens. */
export type Shorten = (text: string, tokens: number) => string;

const NO_REASON = "the hook gave no reason";
/** What the model reads of a reason. */
const REASON_TOKENS = 2500;
/** Characters of a failed hook's standard error that people are shown. */
const SHOWN_ERROR_CHARS = 2000;
/** Characters of a command by which people know it again. */
const SHOWN_NAME_CHARS = 300;
/** Characters of what a guard printed in place of an answer. */
const SHOWN_TEXT_CHARS = 80;

export function emptyVerdict(): HookVerdict {
  return { block: null, stop: false, permission: null, ask: null, replacement: null, contexts: [], messages: [] };
}

/** Reads what a hook's end means. A hook that did not do its work is told of, and blocks when `on_error` says so. */
export function verdictOf(hook: Hook, run: HookRun, shorten: Shorten): HookVerdict {
  if (run.type === "broken") return brokenHook(hook, run.reason);
  const stderr = run.stderr.trim();
  if (run.code === 2 && CAN_BLOCK.has(hook.event)) {
    return { ...emptyVerdict(), block: stderr === "" ? NO_REASON : shorten(stderr, REASON_TOKENS) };
  }
  if (run.code !== 0) {
    const shown = stderr === "" ? "" : `: ${stderr.slice(0, SHOWN_ERROR_CHARS)}`;
    return brokenHook(hook, `ended with exit code ${run.code}${shown}`);
  }
  const text = run.stdout.trim();
  if (!text.startsWith("{")) return plainText(hook, text, shorten);
  const output = parseOutput(text, hook.event);
  return typeof output === "string" ? brokenHook(hook, output) : jsonVerdict(hook, output, shorten);
}

/** Whether a hook asked that what it printed is not written to the log. */
export function isSuppressed({ event }: Hook, run: HookRun): boolean {
  if (run.type === "broken" || !run.stdout.trimStart().startsWith("{")) return false;
  const output = parseOutput(run.stdout.trim(), event);
  return typeof output !== "string" && output.suppressOutput === true;
}

/** The strictest counts: of what blocks the first in the order of the hooks, a refusal before a question. */
export function mergeVerdicts(verdicts: readonly HookVerdict[]): HookVerdict {
  const decisive = verdicts.find(({ stop }) => stop) ?? verdicts.find(({ block }) => block !== null);
  const replacements = verdicts.flatMap(({ replacement }) => replacement ?? []);
  const [replacement = null, ...others] = replacements;
  const isDisputed = others.some(({ value }) => !Bun.deepEquals(value, replacement?.value));
  const dispute = isDisputed ? "two hooks want different replacements, and which of them counts is open" : null;
  return {
    block: decisive?.block ?? dispute,
    stop: decisive?.stop ?? false,
    permission: strictest(verdicts.flatMap(({ permission }) => permission ?? [])),
    ask: verdicts.find(({ ask }) => ask !== null)?.ask ?? null,
    replacement: isDisputed ? null : replacement,
    contexts: verdicts.flatMap(({ contexts }) => contexts),
    messages: verdicts.flatMap(({ messages }) => messages),
  };
}

/** Events at which exit code 2 stops something. */
const CAN_BLOCK: ReadonlySet<HookEvent> = new Set([
  "UserPromptSubmit",
  "PreToolUse",
  "PermissionRequest",
  "PostToolUse",
  "PreCompact",
  "SubagentStop",
  "Stop",
]);
const TEXT_IS_CONTEXT: ReadonlySet<HookEvent> = new Set(["SessionStart", "UserPromptSubmit", "SubagentStart"]);

function strictest(answers: readonly PermissionAnswer[]): PermissionAnswer | null {
  const denials = answers.filter((answer) => answer.behavior === "deny");
  return denials.find(({ interrupt }) => interrupt) ?? denials[0] ?? answers[0] ?? null;
}

function brokenHook(hook: Hook, reason: string): HookVerdict {
  const message = `The ${hook.event} hook ${shownName(hook)} failed: it ${reason}`;
  return { ...emptyVerdict(), block: hook.onError === "block" ? message : null, messages: [message] };
}

/** Nobody decides by it, so it may be cut: some commands are whole scripts. */
function shownName(hook: Hook): string {
  const name = visibleText(hookName(hook));
  return name.length <= SHOWN_NAME_CHARS ? name : `${name.slice(0, SHOWN_NAME_CHARS)}…`;
}

/** What a guard prints may be a refusal in a form that is not known: it must not count for nothing. */
function plainText(hook: Hook, text: string, shorten: Shorten): HookVerdict {
  if (text !== "" && FAIL_CLOSED.has(hook.event)) {
    const shown = JSON.stringify(text.slice(0, SHOWN_TEXT_CHARS));
    return brokenHook(
      hook,
      `answered with what is not one JSON object (other output goes to standard error): ${shown}`,
    );
  }
  const contexts = text !== "" && TEXT_IS_CONTEXT.has(hook.event) ? [shorten(text, hook.contextLimit)] : [];
  return { ...emptyVerdict(), contexts };
}

/** The answer, or what is wrong with it. Of guards, it is also wrong to answer what would count for nothing. */
function parseOutput(text: string, event: HookEvent): Output | string {
  try {
    const json: unknown = JSON.parse(text);
    const checked = v.safeParse(OUTPUT, json);
    const misplaced = checked.success ? misplacedKey(json, event) : undefined;
    if (misplaced !== undefined) return `answered with \`${misplaced}\`, which is no answer to ${event}`;
    if (checked.success) return checked.output;
    const [issue] = checked.issues;
    return `answered with \`${v.getDotPath(issue) ?? ""}\`: ${issue.message}`;
  } catch (error) {
    return `answered with what is not JSON: ${messageOf(error)}`;
  }
}

function jsonVerdict(hook: Hook, output: Output, shorten: Shorten): HookVerdict {
  const common = commonVerdict(hook, output, shorten);
  if (common.block !== null) return common;
  const specific = output.hookSpecificOutput ?? {};
  switch (hook.event) {
    case "PreToolUse":
      return { ...common, ...beforeTool(specific, shorten) };
    case "PermissionRequest":
      return specific.decision ? permissionVerdict(hook, common, specific.decision, shorten) : common;
    case "PostToolUse":
      return { ...common, replacement: given(specific.updatedMCPToolOutput) };
    default:
      return common;
  }
}

/** What every event's hooks may answer. */
function commonVerdict(hook: Hook, output: Output, shorten: Shorten): HookVerdict {
  const context = output.hookSpecificOutput?.additionalContext ?? "";
  const stop = output.continue === false;
  const blocked = output.decision === "block" ? (output.reason ?? NO_REASON) : null;
  const block = stop ? (output.stopReason ?? `stopped by a ${hook.event} hook`) : blocked;
  return {
    ...emptyVerdict(),
    block: block === null ? null : shorten(block, REASON_TOKENS),
    stop,
    contexts: context === "" ? [] : [shorten(context, hook.contextLimit)],
    messages: typeof output.systemMessage === "string" ? [output.systemMessage] : [],
  };
}

type Specific = v.InferOutput<typeof SPECIFIC>;

function beforeTool(specific: Partial<Specific>, shorten: Shorten): Pick<HookVerdict, "block" | "ask" | "replacement"> {
  const reason = shorten(specific.permissionDecisionReason ?? NO_REASON, REASON_TOKENS);
  const decision = specific.permissionDecision;
  if (decision === "deny") return { block: reason, ask: null, replacement: null };
  return { block: null, ask: decision === "ask" ? reason : null, replacement: given(specific.updatedInput) };
}

function permissionVerdict(
  hook: Hook,
  common: HookVerdict,
  decision: v.InferOutput<typeof PERMISSION>,
  shorten: Shorten,
): HookVerdict {
  if (decision.behavior === "deny") {
    const message = shorten(decision.message ?? NO_REASON, REASON_TOKENS);
    return { ...common, permission: { behavior: "deny", message, interrupt: decision.interrupt ?? false } };
  }
  // What would be allowed then is not what was asked about.
  const key = (["updatedInput", "updatedPermissions"] as const).find((name) => given(decision[name]) !== null);
  if (key !== undefined)
    return brokenHook(hook, `answered with \`${key}\`, which a request for permission cannot have`);
  return { ...common, permission: { behavior: "allow" } };
}

function given(value: unknown): { value: unknown } | null {
  return value === undefined || value === null ? null : { value };
}
