import type { Database } from "bun:sqlite";
import { LEASE_SECONDS } from "../lease.ts";
import type { UnixSeconds } from "../rows.ts";
import type { Ownership } from "../store.ts";

/** Renews a lease that has not ended; one that has is lost, even when nobody has taken it over yet. */
export function heartbeat(db: Database, { kind, jobKey, token, now }: Ownership & { now: UnixSeconds }): boolean {
  const sql = `
    UPDATE jobs SET lease_until = $leaseUntil
    WHERE kind = $kind AND job_key = $jobKey AND status = 'running' AND ownership_token = $token
      AND lease_until > $now`;
  return db.query(sql).run({ kind, jobKey, token, now, leaseUntil: now + LEASE_SECONDS }).changes > 0;
}
