import { Database } from "bun:sqlite";

export interface SeededThread {
  id: string;
  updatedAt: number;
  source: string;
}

export interface SeededJob {
  id: string;
  status: "done" | "error";
  watermark: number;
  retryAt: number | null;
}

/** Puts rows straight into a database of ours, through its triggers, as years of use would have left them. */
export function seedThreads(
  path: string,
  rows: { threads: readonly SeededThread[]; jobs: readonly SeededJob[] },
): void {
  const db = new Database(path, { strict: true });
  const thread = db.query(`
    INSERT INTO threads (
      id, rollout_path, source, cwd, provider, title, first_user_message, created_at, updated_at, archived, memory_mode,
      file_bytes, file_mtime_ms
    ) VALUES ($id, '/rollouts/' || $id, $source, '/work', 'openai', 'title', 'first message', $updatedAt, $updatedAt,
      0, 'enabled', 1000, 0)`);
  const job = db.query(`
    INSERT INTO jobs (
      kind, job_key, status, retry_remaining, retry_at, input_watermark, last_success_watermark
    ) VALUES ('memory_stage1', $id, $status, 2, $retryAt, $watermark, iif($status = 'done', $watermark, NULL))`);
  db.transaction(() => {
    for (const row of rows.threads) thread.run({ ...row });
    for (const row of rows.jobs) job.run({ ...row });
  })();
  db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
}
