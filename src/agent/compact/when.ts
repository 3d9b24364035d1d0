import type { ThreadState } from "../thread-state.ts";

/** Whether the next request would start from a context at or over the compaction limit. */
export function shouldCompact(state: ThreadState): boolean {
  const limit = state.settings.autoCompactLimit;
  return limit !== null && state.contextTokens >= limit;
}
