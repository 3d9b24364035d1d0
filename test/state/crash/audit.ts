import type { Database } from "bun:sqlite";

/** One change of a job, an output or a counter, in the order in which transactions took effect. */
export interface AuditRow {
  seq: number;
  what: "job" | "output" | "output-gone" | "meta";
  kind: string;
  key: string;
  status: string;
  token: string | null;
  worker: string | null;
  startedAt: number | null;
  finishedAt: number | null;
  leaseUntil: number | null;
  retries: number;
  input: number | null;
  success: number | null;
}

const JOB = `
  'job', NEW.kind, NEW.job_key, NEW.status, NEW.ownership_token, NEW.worker_id, NEW.started_at, NEW.finished_at,
  NEW.lease_until, NEW.retry_remaining, NEW.input_watermark, NEW.last_success_watermark`;

const COLUMNS = `(
  what, kind, key, status, token, worker, started_at, finished_at, lease_until, retries, input, success
)`;

/** Makes the database keep a diary. Written by its own triggers, it is a part of each transaction it describes. */
export function installAudit(db: Database): void {
  db.run(`
    CREATE TABLE audit (
      seq INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT, kind TEXT, key TEXT, status TEXT, token TEXT, worker TEXT,
      started_at INTEGER, finished_at INTEGER, lease_until INTEGER, retries INTEGER, input INTEGER, success INTEGER
    );
    CREATE TRIGGER audit_job_insert AFTER INSERT ON jobs BEGIN INSERT INTO audit ${COLUMNS} VALUES (${JOB}); END;
    CREATE TRIGGER audit_job_update AFTER UPDATE ON jobs BEGIN INSERT INTO audit ${COLUMNS} VALUES (${JOB}); END;
    CREATE TRIGGER audit_output_insert AFTER INSERT ON stage_one_outputs
    BEGIN INSERT INTO audit (what, key, token, input) VALUES ('output', NEW.thread_id, NEW.raw_memory, NEW.source_updated_at); END;
    CREATE TRIGGER audit_output_update AFTER UPDATE OF raw_memory ON stage_one_outputs
    BEGIN INSERT INTO audit (what, key, token, input) VALUES ('output', NEW.thread_id, NEW.raw_memory, NEW.source_updated_at); END;
    CREATE TRIGGER audit_output_delete AFTER DELETE ON stage_one_outputs
    BEGIN INSERT INTO audit (what, key) VALUES ('output-gone', OLD.thread_id); END;
    CREATE TRIGGER audit_meta AFTER UPDATE ON memory_meta WHEN NEW.key LIKE '%generation'
    BEGIN INSERT INTO audit (what, key, input) VALUES ('meta', NEW.key, NEW.value); END;
  `);
}

export function readAudit(db: Database): AuditRow[] {
  return db
    .query<AuditRow, []>(`
      SELECT seq, what, kind, key, status, token, worker, started_at AS startedAt, finished_at AS finishedAt,
        lease_until AS leaseUntil, retries, input, success
      FROM audit ORDER BY seq`)
    .all();
}
