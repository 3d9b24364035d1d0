import type { BackfillReport, StateStore } from "#state/store.ts";

/** Most rows one start removes: what is left goes at the next. */
const PRUNE_LIMIT = 200;

/**
 * Forgets what should not be remembered any more: rows of threads that were disabled or polluted and, when both trees
 * of rollouts were read wholly, of threads without a file. Archived threads keep theirs, and nothing goes by age.
 * Returns the removed ids; the files follow with the next sync, `MEMORY.md` with the next consolidation.
 */
export async function pruneMemories(
  store: StateStore,
  backfill: Pick<BackfillReport, "complete"> | undefined,
): Promise<string[]> {
  return store.outputs.prune({ missing: backfill?.complete === true, limit: PRUNE_LIMIT });
}
