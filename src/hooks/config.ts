import { readFileSync } from "node:fs";
import * as v from "valibot";
import type { HookSource } from "#config/hook-sources.ts";
import { CodexError, messageOf, osErrorText } from "#lib/errors.ts";

/** The events hooks are run for. */
export const HOOK_EVENTS = [
  "SessionStart",
  "UserPromptSubmit",
  "PreToolUse",
  "PermissionRequest",
  "PostToolUse",
  "PreCompact",
  "PostCompact",
  "Stop",
  "SessionEnd",
] as const;
export type HookEvent = (typeof HOOK_EVENTS)[number];

/** One program to run for one event. */
export interface CommandHook {
  event: HookEvent;
  /** See `matcherAccepts`; undefined accepts everything. */
  matcher: string | undefined;
  /** A line for /bin/sh. */
  command: string;
  timeoutMs: number;
  /** True: nobody waits for it and its output counts for nothing. */
  isAsync: boolean;
  /** What a hook that could not do its work (hang, crash, nonsense) means for what it watches. */
  onError: "block" | "ignore";
  /** Tokens of its context that reach the model. */
  contextLimit: number;
  /** Where it is configured; null for the command line. */
  file: string | null;
  isProject: boolean;
}

export interface ParsedHooks {
  hooks: CommandHook[];
  /** What is configured and will not run, for people. */
  warnings: string[];
}

/** Defaults of semantics shared with Codex CLI: seconds, except the last, which are tokens. */
const DEFAULT_TIMEOUT = 600;
const SESSION_END_TIMEOUT = { default: 1, most: 3 };
const DEFAULT_CONTEXT_TOKENS = 2500;

/** Events whose hooks guard something: one that does not do its work blocks, unless it says otherwise. */
const FAIL_CLOSED: ReadonlySet<HookEvent> = new Set(["PreToolUse", "PermissionRequest"]);

const HANDLER = v.looseObject({
  type: v.string(),
  command: v.optional(v.string()),
  timeout: v.optional(v.pipe(v.number(), v.gtValue(0))),
  async: v.optional(v.boolean()),
  on_error: v.optional(v.picklist(["block", "ignore"])),
  additionalContextLimit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
});
const GROUP = v.looseObject({ matcher: v.optional(v.string()), hooks: v.array(HANDLER) });
const EVENTS = v.record(v.string(), v.array(GROUP));

/** Reads every source. Throws a CodexError for a file that is not what it should be: a guard must not vanish unseen. */
export function readHooks(sources: readonly HookSource[]): ParsedHooks {
  const parsed = sources.map((source) => parseSource(source));
  return {
    hooks: parsed.flatMap(({ hooks }) => hooks),
    warnings: parsed.flatMap(({ warnings }) => warnings),
  };
}

function parseSource(source: HookSource): ParsedHooks {
  const place = source.file === null ? "the command line" : `"${source.file}"`;
  const events = source.table === null ? jsonEvents(source.file ?? "", place) : source.table;
  const checked = v.safeParse(EVENTS, withPlainNumbers(events));
  if (!checked.success) {
    const [issue] = checked.issues;
    throw invalid(place, `\`hooks.${v.getDotPath(issue) ?? ""}\`: ${issue.message}`);
  }
  const hooks: CommandHook[] = [];
  const warnings: string[] = [];
  for (const [event, groups] of Object.entries(checked.output)) {
    if (!isHookEvent(event)) {
      warnings.push(`Hooks for "${event}" of ${place} are not run: known events are ${HOOK_EVENTS.join(", ")}`);
      continue;
    }
    for (const { matcher, hooks: handlers } of groups) {
      if (matcher !== undefined) checkMatcher(matcher, event, place);
      for (const handler of handlers) {
        const hook = commandHook(handler, { event, matcher, source, place });
        if (typeof hook === "string") warnings.push(hook);
        else hooks.push(hook);
      }
    }
  }
  return { hooks, warnings };
}

interface Context {
  event: HookEvent;
  matcher: string | undefined;
  source: HookSource;
  place: string;
}

/** The hook, or why it is not run. */
function commandHook(handler: v.InferOutput<typeof HANDLER>, context: Context): CommandHook | string {
  const { event, matcher, source, place } = context;
  if (handler.type !== "command") {
    return `A hook of type "${handler.type}" for ${event} of ${place} is not run: only type "command" is`;
  }
  if (handler.command === undefined || handler.command.trim() === "") {
    throw invalid(place, `a hook for ${event} of type "command" has no \`command\``);
  }
  return {
    event,
    matcher,
    command: handler.command,
    timeoutMs: timeoutSeconds(event, handler.timeout) * 1000,
    isAsync: handler.async ?? false,
    onError: handler.on_error ?? (FAIL_CLOSED.has(event) ? "block" : "ignore"),
    contextLimit: handler.additionalContextLimit ?? DEFAULT_CONTEXT_TOKENS,
    file: source.file,
    isProject: source.isProject,
  };
}

function timeoutSeconds(event: HookEvent, configured: number | undefined): number {
  if (event !== "SessionEnd") return configured ?? DEFAULT_TIMEOUT;
  return Math.min(configured ?? SESSION_END_TIMEOUT.default, SESSION_END_TIMEOUT.most);
}

function jsonEvents(file: string, place: string): unknown {
  const text = readText(file);
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw invalid(place, `it is not JSON: ${messageOf(error)}`);
  }
  const root = v.safeParse(v.looseObject({ hooks: v.unknown() }), content);
  if (!root.success) throw invalid(place, 'expected an object with the key "hooks"');
  return root.output.hooks;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw invalid(`"${file}"`, osErrorText(error));
  }
}

function checkMatcher(matcher: string, event: HookEvent, place: string): void {
  try {
    new RegExp(matcher === "*" ? "" : matcher);
  } catch (error) {
    throw invalid(place, `the matcher "${matcher}" for ${event} is no regular expression: ${messageOf(error)}`);
  }
}

function isHookEvent(name: string): name is HookEvent {
  return HOOK_EVENTS.some((event) => event === name);
}

/** TOML's whole numbers are bigints. */
function withPlainNumbers(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_key, item) => (typeof item === "bigint" ? Number(item) : item)) ?? "null");
}

function invalid(place: string, problem: string): CodexError {
  return new CodexError("invalid_hooks", `Cannot use the hooks of ${place}: ${problem}`);
}
