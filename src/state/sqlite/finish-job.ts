import type { Database } from "bun:sqlite";
import { RETRY_DELAY_SECONDS } from "../lease.ts";
import type { NewStageOneOutput, UnixSeconds } from "../rows.ts";
import { upsertOutput } from "./output-row.ts";

const OWNED = `
  kind = 'memory_stage1' AND job_key = $threadId AND status = 'running' AND ownership_token = $token`;

/**
 * Ends a phase-one job with its output; call inside a write transaction. The triggers on outputs raise the
 * generations and enqueue phase two in the same one.
 */
export function finishStageOne(
  db: Database,
  options: { now: UnixSeconds; threadId: string; token: string; output: NewStageOneOutput | null },
): boolean {
  const { now, threadId, token, output } = options;
  const done = db
    .query<{ watermark: number }, { now: number; threadId: string; token: string }>(`
      UPDATE jobs SET status = 'done', finished_at = $now, lease_until = NULL, last_error = NULL,
        last_success_watermark = max(coalesce(last_success_watermark, -1), input_watermark)
      WHERE ${OWNED} RETURNING input_watermark AS watermark`)
    .get({ now, threadId, token });
  if (done === null) return false;
  if (output === null || isBlank(output)) removeOutput(db, threadId);
  else keepOutput(db, threadId, output, done.watermark, now);
  return true;
}

function isBlank({ rawMemory, rolloutSummary }: NewStageOneOutput): boolean {
  return rawMemory.trim() === "" && rolloutSummary.trim() === "";
}

function removeOutput(db: Database, threadId: string): void {
  db.query("DELETE FROM stage_one_outputs WHERE thread_id = $threadId").run({ threadId });
}

function keepOutput(db: Database, threadId: string, output: NewStageOneOutput, watermark: number, now: number): void {
  upsertOutput(db, { ...output, threadId, sourceUpdatedAt: watermark, generatedAt: now });
  const { project } = output;
  db.query("UPDATE threads SET project = $project WHERE id = $threadId").run({ threadId, project });
}

/** Ends a phase-one job as `error`. */
export function failStageOne(
  db: Database,
  { now, threadId, token, error }: { now: UnixSeconds; threadId: string; token: string; error: string },
): boolean {
  const sql = `
    UPDATE jobs SET status = 'error', finished_at = $now, lease_until = NULL, last_error = $error,
      retry_at = $retryAt, retry_remaining = max(retry_remaining - 1, 0)
    WHERE ${OWNED}`;
  return db.query(sql).run({ now, threadId, token, error, retryAt: now + RETRY_DELAY_SECONDS }).changes > 0;
}
