import type { Database } from "bun:sqlite";

/**
 * Removes outputs that nothing stands behind any more; call inside a write transaction. Oldest first, so that a
 * backlog larger than `limit` is worked off in order. The jobs of threads without a file go with them.
 */
export function pruneOutputs(db: Database, { missing, limit }: { missing: boolean; limit: number }): string[] {
  const removed = db
    .query<{ id: string }, { limit: number; missing: number }>(`
      DELETE FROM stage_one_outputs WHERE thread_id IN (
        SELECT o.thread_id FROM stage_one_outputs o LEFT JOIN threads t ON t.id = o.thread_id
        WHERE t.memory_mode <> 'enabled' OR (t.id IS NULL AND $missing = 1)
        ORDER BY o.source_updated_at, o.thread_id LIMIT $limit
      ) RETURNING thread_id AS id`)
    .all({ limit, missing: missing ? 1 : 0 })
    .map((row) => row.id);
  if (missing) removeOrphanJobs(db, removed);
  return removed.sort();
}

function removeOrphanJobs(db: Database, ids: readonly string[]): void {
  db.query(`
    DELETE FROM jobs WHERE kind = 'memory_stage1' AND status <> 'running'
      AND job_key IN (SELECT value FROM json_each($ids)) AND job_key NOT IN (SELECT id FROM threads)`).run({
    ids: JSON.stringify(ids),
  });
}
