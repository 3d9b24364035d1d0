import type { Database } from "bun:sqlite";
import type { JobKind, JobRow } from "../rows.ts";

const JOB_COLUMNS = `
  kind, job_key AS jobKey, status, worker_id AS workerId, ownership_token AS ownershipToken,
  started_at AS startedAt, finished_at AS finishedAt, lease_until AS leaseUntil, retry_at AS retryAt,
  retry_remaining AS retryRemaining, last_error AS lastError, input_watermark AS inputWatermark,
  last_success_watermark AS lastSuccessWatermark, discards`;

export function getJob(db: Database, kind: JobKind, jobKey: string): JobRow | undefined {
  const sql = `SELECT ${JOB_COLUMNS} FROM jobs WHERE kind = $kind AND job_key = $jobKey`;
  return db.query<JobRow, { kind: string; jobKey: string }>(sql).get({ kind, jobKey }) ?? undefined;
}

/** Jobs of a kind in `error`, newest first. */
export function listFailedJobs(db: Database, kind: JobKind): JobRow[] {
  const sql = `
    SELECT ${JOB_COLUMNS} FROM jobs WHERE kind = $kind AND status = 'error'
    ORDER BY finished_at DESC, job_key DESC`;
  return db.query<JobRow, { kind: string }>(sql).all({ kind });
}

/** SQL: the row `j` has an owner at work at `$now`. */
export const FRESH = "(j.status = 'running' AND coalesce(j.lease_until, 0) > $now)";

/** Fresh phase-one jobs: what the cap counts. */
export function countFresh(db: Database, now: number): number {
  const sql = `
    SELECT count(*) AS fresh FROM jobs INDEXED BY jobs_running
    WHERE kind = 'memory_stage1' AND status = 'running' AND lease_until > $now`;
  return db.query<{ fresh: number }, { now: number }>(sql).get({ now })?.fresh ?? 0;
}
