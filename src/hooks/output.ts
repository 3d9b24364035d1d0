import * as v from "valibot";
import { messageOf } from "#lib/errors.ts";
import { truncateMiddle } from "#lib/truncate.ts";
import type { CommandHook, HookEvent } from "./config.ts";
import type { HookRun } from "./run-hook.ts";

/** What one hook wants, or what all hooks of an event want together. */
export interface HookVerdict {
  /** Why what the hook watches must not go on, or null. */
  block: string | null;
  /** True: the turn (or compaction) ends, and no hook may keep it going. `block` says why. */
  stop: boolean;
  /** Of a PermissionRequest: what is to be answered instead of asking a person; null leaves it open. */
  permission: HookPermission | null;
  /** Texts for the model. */
  contexts: string[];
  /** Texts for a person. */
  messages: string[];
}

export type HookPermission = { behavior: "allow" } | { behavior: "deny"; message: string; interrupt: boolean };

const PERMISSION = v.looseObject({
  behavior: v.picklist(["allow", "deny"]),
  message: v.nullish(v.string()),
  interrupt: v.nullish(v.boolean()),
});
const SPECIFIC = v.looseObject({
  additionalContext: v.nullish(v.string()),
  permissionDecision: v.nullish(v.picklist(["allow", "deny", "ask"])),
  permissionDecisionReason: v.nullish(v.string()),
  updatedInput: v.optional(v.unknown()),
  decision: v.nullish(PERMISSION),
});
const OUTPUT = v.looseObject({
  continue: v.nullish(v.boolean()),
  stopReason: v.nullish(v.string()),
  systemMessage: v.nullish(v.string()),
  decision: v.nullish(v.string()),
  reason: v.nullish(v.string()),
  hookSpecificOutput: v.nullish(SPECIFIC),
});
type Output = v.InferOutput<typeof OUTPUT>;

export function emptyVerdict(): HookVerdict {
  return { block: null, stop: false, permission: null, contexts: [], messages: [] };
}

/** Reads what a hook's end means. A hook that did not do its work is told of, and blocks when `on_error` says so. */
export function verdictOf(hook: CommandHook, run: HookRun): HookVerdict {
  if (run.type === "broken") return brokenHook(hook, run.reason);
  const stderr = run.stderr.trim();
  if (run.code === 2) return { ...emptyVerdict(), block: stderr === "" ? "the hook gave no reason" : stderr };
  if (run.code !== 0) return brokenHook(hook, `ended with exit code ${run.code}${stderr === "" ? "" : `: ${stderr}`}`);
  const text = run.stdout.trim();
  if (!text.startsWith("{")) return plainText(hook, text);
  const output = parseOutput(text);
  return typeof output === "string" ? brokenHook(hook, output) : jsonVerdict(hook, output);
}

/** Blocks in the order of the hooks: the first reason counts. */
export function mergeVerdicts(verdicts: readonly HookVerdict[]): HookVerdict {
  const decisive = verdicts.find(({ stop }) => stop) ?? verdicts.find(({ block }) => block !== null);
  return {
    block: decisive?.block ?? null,
    stop: decisive?.stop ?? false,
    permission: strictest(verdicts.flatMap(({ permission }) => permission ?? [])),
    contexts: verdicts.flatMap(({ contexts }) => contexts),
    messages: verdicts.flatMap(({ messages }) => messages),
  };
}

function strictest(answers: readonly HookPermission[]): HookPermission | null {
  return answers.find(({ behavior }) => behavior === "deny") ?? answers[0] ?? null;
}

function brokenHook(hook: CommandHook, reason: string): HookVerdict {
  const message = `The ${hook.event} hook ${JSON.stringify(hook.command)} failed: it ${reason}`;
  return { ...emptyVerdict(), block: hook.onError === "block" ? message : null, messages: [message] };
}

const TEXT_IS_CONTEXT: ReadonlySet<HookEvent> = new Set(["SessionStart", "UserPromptSubmit"]);

function plainText(hook: CommandHook, text: string): HookVerdict {
  const contexts = text !== "" && TEXT_IS_CONTEXT.has(hook.event) ? [limited(hook, text)] : [];
  return { ...emptyVerdict(), contexts };
}

function parseOutput(text: string): Output | string {
  try {
    const checked = v.safeParse(OUTPUT, JSON.parse(text));
    if (checked.success) return checked.output;
    const [issue] = checked.issues;
    return `answered with \`${v.getDotPath(issue) ?? ""}\`: ${issue.message}`;
  } catch (error) {
    return `answered with what is not JSON: ${messageOf(error)}`;
  }
}

function jsonVerdict(hook: CommandHook, output: Output): HookVerdict {
  const context = output.hookSpecificOutput?.additionalContext ?? "";
  const stop = output.continue === false;
  return {
    block: stop ? (output.stopReason ?? `stopped by a ${hook.event} hook`) : blockReason(hook, output),
    stop,
    permission: hook.event === "PermissionRequest" ? permissionOf(output) : null,
    contexts: context === "" ? [] : [limited(hook, context)],
    messages: typeof output.systemMessage === "string" ? [output.systemMessage] : [],
  };
}

function blockReason(hook: CommandHook, output: Output): string | null {
  if (output.decision === "block") return output.reason ?? "the hook gave no reason";
  const specific = output.hookSpecificOutput;
  if (hook.event !== "PreToolUse" || specific === undefined || specific === null) return null;
  const reason = specific.permissionDecisionReason ?? "the hook gave no reason";
  if (specific.permissionDecision === "deny") return reason;
  // What a hook asks for and we cannot do must not run as if it had not asked.
  if (specific.permissionDecision === "ask")
    return `the hook wants a person to be asked, which is not possible: ${reason}`;
  if (specific.updatedInput !== undefined && specific.updatedInput !== null) {
    return "the hook wants another input (updatedInput), which is not supported";
  }
  return null;
}

function permissionOf({ hookSpecificOutput }: Output): HookPermission | null {
  const decision = hookSpecificOutput?.decision ?? null;
  if (decision === null || decision.behavior === "allow") return decision === null ? null : { behavior: "allow" };
  const message = decision.message ?? "the hook gave no reason";
  return { behavior: "deny", message, interrupt: decision.interrupt ?? false };
}

function limited(hook: CommandHook, text: string): string {
  return truncateMiddle(text, { mode: "tokens", limit: hook.contextLimit });
}
