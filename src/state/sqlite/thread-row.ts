import type { Database } from "bun:sqlite";
import type { MemoryMode, ThreadRow } from "../rows.ts";

/** The columns of a thread under the names of `ThreadRow`, of a table named `t`. */
const THREAD_COLUMNS = `
  t.id AS id, t.rollout_path AS rolloutPath, t.source AS source, t.cwd AS cwd, t.project AS project,
  t.git_sha AS gitSha, t.git_branch AS gitBranch, t.git_origin_url AS gitOriginUrl, t.model AS model,
  t.provider AS provider, t.title AS title, t.first_user_message AS firstUserMessage, t.created_at AS createdAt,
  t.updated_at AS updatedAt, t.archived AS archived, t.memory_mode AS memoryMode, t.file_bytes AS fileBytes,
  t.file_mtime_ms AS fileMtimeMs`;

/** A row as SQLite gives it. */
export type StoredThread = Omit<ThreadRow, "archived"> & { archived: number };

function threadRow(stored: StoredThread): ThreadRow {
  return { ...stored, archived: stored.archived === 1 };
}

export function getThread(db: Database, id: string): ThreadRow | undefined {
  const sql = `SELECT ${THREAD_COLUMNS} FROM threads t WHERE t.id = $id`;
  const stored = db.query<StoredThread, { id: string }>(sql).get({ id });
  return stored === null ? undefined : threadRow(stored);
}

export function listThreads(db: Database, limit: number): ThreadRow[] {
  const sql = `SELECT ${THREAD_COLUMNS} FROM threads t ORDER BY t.updated_at DESC, t.id DESC LIMIT $limit`;
  return db.query<StoredThread, { limit: number }>(sql).all({ limit }).map(threadRow);
}

/** What `polluted` marks is never taken back. */
const MODE = "CASE WHEN threads.memory_mode = 'polluted' THEN 'polluted' ELSE $mode END";

export function setMemoryMode(db: Database, id: string, mode: MemoryMode): boolean {
  return db.query(`UPDATE threads SET memory_mode = ${MODE} WHERE id = $id`).run({ id, mode }).changes > 0;
}

const UPSERT = `
  INSERT INTO threads (
    id, rollout_path, source, cwd, git_sha, git_branch, git_origin_url, model, provider, title, first_user_message,
    created_at, updated_at, archived, memory_mode, file_bytes, file_mtime_ms, scanned_bytes
  ) VALUES (
    $id, $rolloutPath, $source, $cwd, $gitSha, $gitBranch, $gitOriginUrl, $model, $provider, $title,
    $firstUserMessage, $createdAt, $updatedAt, $archived, $memoryMode, $fileBytes, $fileMtimeMs, $scannedBytes
  )
  ON CONFLICT (id) DO UPDATE SET
    rollout_path = excluded.rollout_path, source = excluded.source, cwd = excluded.cwd, git_sha = excluded.git_sha,
    git_branch = excluded.git_branch, git_origin_url = excluded.git_origin_url, model = excluded.model,
    provider = excluded.provider, title = excluded.title, first_user_message = excluded.first_user_message,
    created_at = excluded.created_at, updated_at = excluded.updated_at, archived = excluded.archived,
    file_bytes = excluded.file_bytes, file_mtime_ms = excluded.file_mtime_ms, scanned_bytes = excluded.scanned_bytes,
    memory_mode = CASE
      WHEN threads.memory_mode = 'polluted' THEN 'polluted' ELSE excluded.memory_mode
    END`;

/** A row as a rollout file gives it, and up to where the file was read: the end of its last complete line. */
export type IndexedThread = Omit<ThreadRow, "project"> & { scannedBytes: number };

/** Stores what a rollout says of its thread. `project` is not among it and stays. */
export function upsertThread(db: Database, row: IndexedThread): void {
  const { id, rolloutPath, source, cwd, gitSha, gitBranch, gitOriginUrl, model, provider, title } = row;
  const { firstUserMessage, createdAt, updatedAt, archived, memoryMode, fileBytes, fileMtimeMs, scannedBytes } = row;
  db.query(UPSERT).run({
    ...{ id, rolloutPath, source, cwd, gitSha, gitBranch, gitOriginUrl, model, provider, title },
    ...{ firstUserMessage, createdAt, updatedAt, archived: archived ? 1 : 0, memoryMode },
    ...{ fileBytes, fileMtimeMs, scannedBytes },
  });
}

export function deleteThread(db: Database, id: string): void {
  db.query("DELETE FROM threads WHERE id = $id").run({ id });
}

/** Threads whose derived columns are not what the view says. */
export function countWrongDueColumns(db: Database): number {
  const sql = `
    SELECT count(*) AS wrong FROM threads t JOIN thread_due_columns v ON v.id = t.id
    WHERE (t.settled_at, t.blocked_until, t.due) IS NOT (v.settled_at, v.blocked_until, v.due)`;
  return db.query<{ wrong: number }, []>(sql).get()?.wrong ?? 0;
}
