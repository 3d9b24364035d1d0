import type { Database } from "bun:sqlite";
import { uuidv7 } from "#lib/ids.ts";
import type { ClaimRules, StageOneClaim } from "../claims.ts";
import { LEASE_SECONDS, RETRIES, RUNNING_CAP } from "../lease.ts";
import { abandonJobs, anyAbandoned } from "./abandon-jobs.ts";
import { type Candidate, NEW_CONTENT, selectClaimable } from "./claimable-threads.ts";
import { countFresh, FRESH } from "./job-row.ts";
import { getThread } from "./thread-row.ts";

/** Whether a claim would change anything. Reads only, so that asking costs others nothing. */
export function anythingDue(db: Database, rules: ClaimRules): boolean {
  return selectClaimable(db, rules, 1).length > 0 || anyAbandoned(db, "memory_stage1", rules.now);
}

/** Claims; call inside a write transaction, which makes counting and claiming one step. */
export function claimStageOne(
  db: Database,
  options: ClaimRules & { limit: number; runningCap?: number; worker: string },
): StageOneClaim[] {
  const room = (options.runningCap ?? RUNNING_CAP) - countFresh(db, options.now);
  const limit = Math.min(options.limit, room);
  const candidates = limit > 0 ? selectClaimable(db, options, limit) : [];
  const claims = candidates.flatMap((candidate) => claimOne(db, candidate, options) ?? []);
  abandonJobs(db, "memory_stage1", options.now);
  return claims;
}

const CLAIM = `
  INSERT INTO jobs AS j (
    kind, job_key, status, worker_id, ownership_token, started_at, lease_until, retry_remaining, input_watermark
  ) VALUES ('memory_stage1', $id, 'running', $worker, $token, $now, $leaseUntil, ${RETRIES}, $updatedAt)
  ON CONFLICT (kind, job_key) DO UPDATE SET
    status = 'running', worker_id = $worker, ownership_token = $token, started_at = $now, finished_at = NULL,
    lease_until = $leaseUntil, retry_at = NULL, last_error = NULL, input_watermark = $updatedAt, discards = 0,
    retry_remaining = CASE
      WHEN ${NEW_CONTENT.replace("t.updated_at", "$updatedAt")} THEN ${RETRIES}
      WHEN j.status = 'running' THEN max(j.retry_remaining - 1, 0)
      ELSE j.retry_remaining
    END
  WHERE NOT ${FRESH}
  RETURNING retry_remaining AS retryRemaining`;

function claimOne(
  db: Database,
  { id, updatedAt }: Candidate,
  { now, worker }: { now: number; worker: string },
): StageOneClaim | undefined {
  const [token, leaseUntil] = [uuidv7(), now + LEASE_SECONDS];
  const claimed = db
    .query<{ retryRemaining: number }, Record<string, string | number>>(CLAIM)
    .get({ id, updatedAt, now, worker, token, leaseUntil });
  const thread = getThread(db, id);
  if (claimed === null || thread === undefined) return undefined;
  return { threadId: id, token, leaseUntil, inputWatermark: updatedAt, retryRemaining: claimed.retryRemaining, thread };
}
