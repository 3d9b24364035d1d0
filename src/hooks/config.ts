import * as v from "valibot";
import type { HookSource } from "#config/hook-sources.ts";
import { messageOf } from "#lib/errors.ts";
import { matcherAccepts, unseenNames } from "./match.ts";
import { readHooksFile, unusableHooks } from "./read-hooks-file.ts";

/** The events hooks are run for. */
export const HOOK_EVENTS = [
  "SessionStart",
  "UserPromptSubmit",
  "PreModelRequest",
  "PostModelRequest",
  "PreToolUse",
  "PermissionRequest",
  "PostToolUse",
  "PreCompact",
  "PostCompact",
  "SubagentStart",
  "SubagentStop",
  "Stop",
  "Interrupt",
  "SessionEnd",
] as const;
export type HookEvent = (typeof HOOK_EVENTS)[number];

/** What is run: a line for the system's shell, or a tool of a configured MCP server. */
export type HookHandler =
  | { type: "command"; command: string }
  /** `input` are the tool's arguments; `${…}` in its texts stands for values of the hook's input. */
  | { type: "mcp_tool"; server: string; tool: string; input: Readonly<Record<string, unknown>> };

/** One thing to run for one event. */
export interface Hook {
  /** Its place, as the released CLI names it: `FILE:pre_tool_use:0:1`. */
  key: string;
  event: HookEvent;
  /** See `matcherAccepts`; undefined accepts everything. */
  matcher: string | undefined;
  handler: HookHandler;
  timeoutMs: number;
  /** True: nobody waits for it and its output counts for nothing. */
  isAsync: boolean;
  /** What a hook that could not do its work (hang, crash, nonsense) means for what it watches. */
  onError: "block" | "ignore";
  /** Tokens of its context that reach the model. */
  contextLimit: number;
  /** Shown to a person while it runs. */
  statusMessage: string | undefined;
  /** Where it is configured; null for the command line. */
  file: string | null;
  isProject: boolean;
}

export interface ParsedHooks {
  hooks: Hook[];
  /** What is configured and will not run, for people. */
  warnings: string[];
}

/** Defaults of semantics shared with Codex CLI: seconds, except the last, which are tokens. */
const DEFAULT_TIMEOUT = 600;
/** What a time-out of 0 means there. */
const ZERO_TIMEOUT = 1;
const SESSION_END_TIMEOUT = { default: 1, most: 3 };
const DEFAULT_CONTEXT_TOKENS = 2500;
/** A timer set for longer rings at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Events whose hooks guard something: one that does not do its work blocks, unless it says otherwise. */
export const FAIL_CLOSED: ReadonlySet<HookEvent> = new Set(["PreToolUse", "PermissionRequest"]);

/** A key may also be null, as programs write what is not set. */
const HANDLER = v.looseObject({
  type: v.string(),
  command: v.nullish(v.string()),
  commandWindows: v.nullish(v.string()),
  server: v.nullish(v.string()),
  tool: v.nullish(v.string()),
  input: v.nullish(v.record(v.string(), v.unknown())),
  timeout: v.nullish(v.pipe(v.number(), v.minValue(0))),
  async: v.nullish(v.boolean()),
  on_error: v.nullish(v.picklist(["block", "ignore"])),
  additionalContextLimit: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0))),
  statusMessage: v.nullish(v.string()),
});
type Handler = v.InferOutput<typeof HANDLER>;
const GROUP = v.looseObject({ matcher: v.nullish(v.string()), hooks: v.nullish(v.array(HANDLER)) });
const EVENTS = v.record(v.string(), v.array(GROUP));

/** Reads every source. Throws a CodexError for a file that is not what it should be: a guard must not vanish unseen. */
export function readHooks(sources: readonly HookSource[]): ParsedHooks {
  const parsed = sources.map((source) => parseSource(source));
  const disabled = disabledKeys(sources);
  return {
    hooks: parsed.flatMap(({ hooks }) => hooks.filter(({ key }) => !disabled.has(key))),
    warnings: parsed.flatMap(({ warnings }) => warnings),
  };
}

function parseSource(source: HookSource): ParsedHooks {
  const place = source.file === null ? "the command line" : `"${source.file}"`;
  const events = source.table === null ? jsonEvents(source.file ?? "", place) : withoutState(source.table);
  const checked = v.safeParse(EVENTS, withPlainNumbers(events, place));
  if (!checked.success) {
    const [issue] = checked.issues;
    throw unusableHooks(place, `\`hooks.${v.getDotPath(issue) ?? ""}\`: ${issue.message}`);
  }
  const hooks: Hook[] = [];
  const warnings: string[] = [];
  for (const [event, groups] of Object.entries(checked.output)) {
    if (!isHookEvent(event)) {
      warnings.push(`Hooks for "${event}" of ${place} are not run: known events are ${HOOK_EVENTS.join(", ")}`);
      continue;
    }
    for (const [group, { matcher, hooks: handlers }] of groups.entries()) {
      if (typeof matcher === "string") warnings.push(...checkedMatcher(matcher, event, place));
      for (const [index, handler] of (handlers ?? []).entries()) {
        const key = `${source.file ?? ""}:${snakeCase(event)}:${group}:${index}`;
        const hook = hookOf(handler, { key, event, matcher: matcher ?? undefined, source, place });
        if (typeof hook === "string") warnings.push(hook);
        else hooks.push(hook);
      }
    }
  }
  return { hooks, warnings };
}

interface Context {
  key: string;
  event: HookEvent;
  matcher: string | undefined;
  source: HookSource;
  place: string;
}

/** The hook, or why it is not run. */
function hookOf(settings: Handler, context: Context): Hook | string {
  const { key, event, matcher, source, place } = context;
  const handler = handlerOf(settings, context);
  if (handler === undefined) {
    return `A hook of type "${settings.type}" for ${event} of ${place} is not run: only the types "command" and "mcp_tool" are`;
  }
  return {
    key,
    event,
    matcher,
    handler,
    timeoutMs: Math.min(timeoutSeconds(event, settings.timeout) * 1000, LONGEST_TIMER_MS),
    isAsync: settings.async ?? false,
    onError: settings.on_error ?? (FAIL_CLOSED.has(event) ? "block" : "ignore"),
    contextLimit: settings.additionalContextLimit ?? DEFAULT_CONTEXT_TOKENS,
    statusMessage: settings.statusMessage ?? undefined,
    file: source.file,
    isProject: source.isProject,
  };
}

/** Undefined for a type that is not run. */
function handlerOf(settings: Handler, { event, place }: Context): HookHandler | undefined {
  const required = (key: "command" | "server" | "tool", value: string | null | undefined): string => {
    const hook = `a hook for ${event} of type "${settings.type}"`;
    if ((value ?? "").trim() === "") throw unusableHooks(place, `${hook} has no \`${key}\``);
    if (value?.includes("\0")) throw unusableHooks(place, `the \`${key}\` of ${hook} has a NUL character`);
    return value ?? "";
  };
  switch (settings.type) {
    case "command": {
      const ofSystem = process.platform === "win32" ? settings.commandWindows : undefined;
      return { type: "command", command: required("command", ofSystem ?? settings.command) };
    }
    case "mcp_tool": {
      const [server, tool] = [required("server", settings.server), required("tool", settings.tool)];
      return { type: "mcp_tool", server, tool, input: settings.input ?? {} };
    }
    default:
      return undefined;
  }
}

/** How people are told which hook is meant. */
export function hookName({ handler }: Hook): string {
  return JSON.stringify(handler.type === "command" ? handler.command : `${handler.server}.${handler.tool}`);
}

/** `hooks.state` of a config.toml, where the released CLI notes what its user decided about each hook. */
const STATE = v.looseObject({ state: v.record(v.string(), v.looseObject({ enabled: v.optional(v.boolean()) })) });

function withoutState(table: unknown): unknown {
  if (typeof table !== "object" || table === null) return table;
  return Object.fromEntries(Object.entries(table).filter(([key]) => key !== "state"));
}

/** A project may not switch off the hooks of others. */
function disabledKeys(sources: readonly HookSource[]): ReadonlySet<string> {
  const states = sources.flatMap(({ table, isProject }) => {
    const checked = isProject ? undefined : v.safeParse(STATE, table);
    return checked?.success ? Object.entries(checked.output.state) : [];
  });
  return new Set(states.flatMap(([key, { enabled }]) => (enabled === false ? [key] : [])));
}

function snakeCase(event: string): string {
  return event.replaceAll(/(?<=.)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}

function timeoutSeconds(event: HookEvent, setting: number | null | undefined): number {
  const configured = setting === 0 ? ZERO_TIMEOUT : setting;
  if (event !== "SessionEnd") return configured ?? DEFAULT_TIMEOUT;
  return Math.min(configured ?? SESSION_END_TIMEOUT.default, SESSION_END_TIMEOUT.most);
}

function jsonEvents(file: string, place: string): unknown {
  const text = readHooksFile(file);
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw unusableHooks(place, `it is not JSON: ${messageOf(error)}`);
  }
  const root = v.safeParse(v.looseObject({ hooks: v.unknown() }), content);
  if (!root.success) throw unusableHooks(place, 'expected an object with the key "hooks"');
  return root.output.hooks;
}

/** Warnings about it. Throws a CodexError for a bad regular expression. */
function checkedMatcher(matcher: string, event: HookEvent, place: string): string[] {
  try {
    matcherAccepts(matcher, "");
  } catch (error) {
    throw unusableHooks(place, `the matcher "${matcher}" for ${event} is no regular expression: ${messageOf(error)}`);
  }
  const unseen = unseenNames(matcher, event).map((name) => `"${name}"`);
  if (unseen.length === 0) return [];
  return [
    `The matcher "${matcher}" for ${event} of ${place}: no tool call is named ${unseen.join(" or ")}. Commands are "Bash", patches "apply_patch", MCP tools "mcp__SERVER__TOOL" ("mcp__SERVER__.*" for a whole server), with | between them`,
  ];
}

function isHookEvent(name: string): name is HookEvent {
  return HOOK_EVENTS.some((event) => event === name);
}

/** TOML's whole numbers are bigints, and it has numbers that JSON does not. */
function withPlainNumbers(value: unknown, place: string): unknown {
  const plain = (_key: string, item: unknown): unknown => {
    if (typeof item === "bigint") return Number(item);
    if (typeof item !== "number" || Number.isFinite(item)) return item;
    return Number.isNaN(item) ? "nan" : Math.sign(item) * Number.MAX_VALUE;
  };
  try {
    return JSON.parse(JSON.stringify(value, plain) ?? "null");
  } catch (error) {
    if (error instanceof RangeError) throw unusableHooks(place, "it is nested too deeply");
    throw error;
  }
}
