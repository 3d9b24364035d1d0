import type { ScannedLine } from "./scan-lines.ts";

/** What a turn's settings are read for. */
export type TurnContext = Record<"turn_id" | "cwd" | "model", string>;

/** Both versions write these keys first; instructions of any length follow. */
const HEAD_BYTES = 1024;
const KEYS = ["turn_id", "cwd", "model"] as const;

/** Reads a `turn_context` line from its head; undefined when a key is not there and the line must be parsed. */
export function readTurnContext(line: ScannedLine): TurnContext | undefined {
  const head = line.buffer.toString("utf8", line.from, Math.min(line.to, line.from + HEAD_BYTES));
  const context: Partial<TurnContext> = {};
  for (const key of KEYS) {
    const value = plainString(head, `"${key}":"`);
    if (value === undefined) return undefined;
    context[key] = value;
  }
  return context as TurnContext;
}

/** The value of a key when it is a string without escapes. */
function plainString(head: string, key: string): string | undefined {
  const at = head.indexOf(key);
  if (at === -1) return undefined;
  const end = head.indexOf('"', at + key.length);
  const value = end === -1 ? undefined : head.slice(at + key.length, end);
  return value?.includes("\\") ? undefined : value;
}
