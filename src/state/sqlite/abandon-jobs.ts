import type { Database } from "bun:sqlite";
import type { JobKind, UnixSeconds } from "../rows.ts";

const ABANDONED = `
  kind = $kind AND status = 'running' AND coalesce(lease_until, 0) <= $now AND retry_remaining = 0`;

/** Whether a job's last owner went silent with no retry left. */
export function anyAbandoned(db: Database, kind: JobKind, now: UnixSeconds): boolean {
  return db.query(`SELECT 1 FROM jobs INDEXED BY jobs_running WHERE ${ABANDONED} LIMIT 1`).get({ kind, now }) !== null;
}

/** Ends such jobs as `error`: only new content brings them back. */
export function abandonJobs(db: Database, kind: JobKind, now: UnixSeconds): void {
  db.query(`
    UPDATE jobs INDEXED BY jobs_running SET status = 'error', finished_at = $now, lease_until = NULL, ownership_token = NULL,
      retry_at = NULL, last_error = 'abandoned by its workers', discards = 0
    WHERE ${ABANDONED}`).run({ kind, now });
}
