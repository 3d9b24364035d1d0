import * as v from "valibot";
import type { HookEvent } from "./config.ts";

/** An object that may have more keys; unlike `v.looseObject` it is no array, whose keys would count for nothing. */
export function jsonObject<const Entries extends v.ObjectEntries>(entries: Entries) {
  const isNoArray = v.check((value) => !Array.isArray(value), "Invalid type: Expected Object but received Array");
  return v.pipe(v.unknown(), isNoArray, v.looseObject(entries));
}

/** What any hook may answer. */
const COMMON = [
  "continue",
  "stopReason",
  "suppressOutput",
  "systemMessage",
  "decision",
  "reason",
  "hookSpecificOutput",
] as const;

/** What `hookSpecificOutput` of a guard may have. */
const SPECIFIC: Partial<Record<HookEvent, readonly string[]>> = {
  PreToolUse: ["hookEventName", "additionalContext", "permissionDecision", "permissionDecisionReason", "updatedInput"],
  PermissionRequest: ["hookEventName", "additionalContext", "decision"],
};

/** What the `decision` of a PermissionRequest may have. */
const DECISION = ["behavior", "message", "interrupt", "updatedInput", "updatedPermissions"] as const;

/**
 * The path of a key in a guard's answer that means nothing where it stands: a refusal with a wrong name or at a wrong
 * level would let everything pass. Undefined when there is none, and for events that are no guards.
 */
export function misplacedKey(answer: unknown, event: HookEvent): string | undefined {
  const specificKeys = SPECIFIC[event];
  if (specificKeys === undefined) return undefined;
  const specific = ownValue(answer, "hookSpecificOutput");
  return (
    otherKey(answer, COMMON, "") ??
    otherKey(specific, specificKeys, "hookSpecificOutput.") ??
    otherKey(ownValue(specific, "decision"), DECISION, "hookSpecificOutput.decision.")
  );
}

function otherKey(value: unknown, known: readonly string[], path: string): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const other = Object.keys(value).find((key) => !known.includes(key));
  return other === undefined ? undefined : path + other;
}

/** Own keys only: `__proto__` in JSON is a key like any other. */
function ownValue(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}
