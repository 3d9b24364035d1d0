import type { Database } from "bun:sqlite";
import { uuidv7 } from "#lib/ids.ts";
import { LEASE_SECONDS, type PhaseTwoState, phaseTwoState, RETRIES, retriesAfterClaim } from "../lease.ts";
import type { ClaimPhaseTwo } from "../phase-two.ts";
import { GLOBAL_JOB_KEY, type JobRow, type UnixSeconds } from "../rows.ts";
import { abandonJobs } from "./abandon-jobs.ts";
import { getJob } from "./job-row.ts";
import { readMeta } from "./memory-meta.ts";

/** The global job, whether its input changed, and what a claim would meet. */
export function inspectPhaseTwo(
  db: Database,
  now: UnixSeconds,
): { job: JobRow | undefined; dirty: boolean; state: PhaseTwoState } {
  const job = getJob(db, "memory_consolidate_global", GLOBAL_JOB_KEY);
  const { inputGeneration, consolidatedGeneration } = readMeta(db);
  const dirty = inputGeneration > consolidatedGeneration;
  return { job, dirty, state: phaseTwoState(job, dirty, now) };
}

/** Whether a claim would change anything. */
export function isPhaseTwoDue(db: Database, now: UnixSeconds): boolean {
  const { state } = inspectPhaseTwo(db, now);
  return state === "claimable" || state === "abandoned";
}

/** Claims the global job; call inside a write transaction. */
export function claimPhaseTwo(db: Database, { now, worker }: { now: UnixSeconds; worker: string }): ClaimPhaseTwo {
  const { job, state } = inspectPhaseTwo(db, now);
  switch (state) {
    case "claimable":
      return take(db, job, now, worker);
    case "fresh":
      return { type: "running", leaseUntil: job?.leaseUntil ?? now, worker: job?.workerId ?? "" };
    case "not_dirty":
      return { type: "not_due" };
    case "backing_off":
      return { type: "backing_off", retryAt: job?.retryAt ?? now, error: job?.lastError ?? null };
    case "exhausted":
      return { type: "exhausted", error: job?.lastError ?? null };
    case "abandoned":
      abandonJobs(db, "memory_consolidate_global", now);
      return { type: "exhausted", error: getJob(db, "memory_consolidate_global", GLOBAL_JOB_KEY)?.lastError ?? null };
  }
}

const TAKE = `
  INSERT INTO jobs (
    kind, job_key, status, worker_id, ownership_token, started_at, lease_until, retry_remaining,
    input_watermark, last_success_watermark
  ) VALUES (
    'memory_consolidate_global', '${GLOBAL_JOB_KEY}', 'running', $worker, $token, $now, $leaseUntil,
    $retryRemaining, 0, 0
  )
  ON CONFLICT (kind, job_key) DO UPDATE SET
    status = 'running', worker_id = $worker, ownership_token = $token, started_at = $now, finished_at = NULL,
    lease_until = $leaseUntil, retry_at = NULL, last_error = NULL, retry_remaining = $retryRemaining`;

function take(db: Database, job: JobRow | undefined, now: UnixSeconds, worker: string): ClaimPhaseTwo {
  const [token, leaseUntil] = [uuidv7(), now + LEASE_SECONDS];
  const retryRemaining = job === undefined ? RETRIES : retriesAfterClaim(job);
  db.query(TAKE).run({ now, worker, token, leaseUntil, retryRemaining });
  return { type: "claimed", token, leaseUntil, inputWatermark: job?.inputWatermark ?? 0, retryRemaining };
}
