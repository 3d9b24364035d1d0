import { type FileLine, readFirstLines, readLineBatches } from "#lib/jsonl.ts";
import type { SessionMeta } from "#protocol/rollout-item.ts";
import { parseRolloutLine, type RolloutLine } from "./parse-line.ts";

/**
 * The lines of a rollout in order, in batches, without ever holding the whole file. Blank lines are left
 * out; a torn last line and foreign lines come as "garbage". Throws the system error when unreadable.
 */
export async function* readRollout(
  path: string,
  options: { signal?: AbortSignal; chunkBytes?: number } = {},
): AsyncGenerator<readonly RolloutLine[]> {
  for await (const batch of readLineBatches(path, options)) yield batch.map(parseFileLine);
}

function parseFileLine(line: FileLine): RolloutLine {
  return parseRolloutLine(line.bytes);
}

/** Lines before the first `session_meta` that are forgiven (a torn start, foreign lines). */
const HEAD_LINES = 8;
/** A first line holds the base instructions, some 10 to 40 KB; a larger one belongs to no session of ours. */
const HEAD_BYTES = 4 << 20;

/** The `session_meta` a rollout begins with, or undefined when the file has none or cannot be read. */
export function readSessionMeta(path: string): SessionMeta | undefined {
  try {
    for (const line of readFirstLines(path, { maxLines: HEAD_LINES, maxBytes: HEAD_BYTES })) {
      const { record } = parseRolloutLine(line);
      if (record.type === "session_meta") return record.meta;
    }
  } catch {
    // Gone, a directory or not permitted: for a search this is simply not a session.
  }
  return undefined;
}
