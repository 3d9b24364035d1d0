import type { Database } from "bun:sqlite";
import type { ReleaseOptions } from "../store.ts";

/** Gives a running job back. What the claim set for retries and watermark stays: the attempt was not used up. */
export function releaseJob(db: Database, { kind, jobKey, token, retryAt }: ReleaseOptions): boolean {
  const sql = `
    UPDATE jobs SET status = 'pending', worker_id = NULL, ownership_token = NULL, started_at = NULL,
      lease_until = NULL, retry_at = $retryAt
    WHERE kind = $kind AND job_key = $jobKey AND status = 'running' AND ownership_token = $token`;
  return db.query(sql).run({ kind, jobKey, token, retryAt }).changes > 0;
}
