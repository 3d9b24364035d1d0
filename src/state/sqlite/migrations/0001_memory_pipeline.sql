-- Index over the rollout files, rebuilt from them at any time. The last columns are derived:
--   settled_at     what phase one is done with, as an updated_at: nothing is to be learned up to here
--   blocked_until  when a claim may look again: end of the lease, or retry_at unless there is new content
--   due            whether phase one has something to learn
CREATE TABLE threads (
  id TEXT NOT NULL PRIMARY KEY,
  rollout_path TEXT NOT NULL,
  source TEXT NOT NULL,
  cwd TEXT NOT NULL,
  project TEXT,
  git_sha TEXT,
  git_branch TEXT,
  git_origin_url TEXT,
  model TEXT,
  provider TEXT NOT NULL,
  title TEXT NOT NULL,
  first_user_message TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  archived INTEGER NOT NULL CHECK (archived IN (0, 1)),
  memory_mode TEXT NOT NULL CHECK (memory_mode IN ('enabled', 'disabled', 'polluted')),
  file_bytes INTEGER NOT NULL,
  file_mtime_ms REAL NOT NULL,
  scanned_bytes INTEGER NOT NULL DEFAULT 0,
  settled_at INTEGER NOT NULL DEFAULT -1,
  blocked_until INTEGER NOT NULL DEFAULT 0,
  due INTEGER NOT NULL DEFAULT 0 CHECK (due IN (0, 1))
) STRICT;

-- Everything a claim looks at before it looks at a row, so that jobs in back-off cost no row each.
CREATE INDEX threads_due ON threads (source, updated_at DESC, id DESC, blocked_until, provider, file_bytes, due)
  WHERE due = 1;
CREATE INDEX threads_updated_at ON threads (updated_at DESC, id DESC);

CREATE TABLE stage_one_outputs (
  thread_id TEXT NOT NULL PRIMARY KEY,
  source_updated_at INTEGER NOT NULL,
  raw_memory TEXT NOT NULL,
  rollout_summary TEXT NOT NULL,
  rollout_slug TEXT,
  rollout_path TEXT NOT NULL,
  cwd TEXT NOT NULL,
  project TEXT NOT NULL,
  git_branch TEXT,
  provider TEXT NOT NULL,
  model TEXT,
  extractor TEXT NOT NULL,
  evidence TEXT NOT NULL,
  generated_at INTEGER NOT NULL,
  usage_count INTEGER NOT NULL DEFAULT 0,
  last_usage INTEGER,
  selected_for_phase2 INTEGER NOT NULL DEFAULT 0 CHECK (selected_for_phase2 IN (0, 1)),
  selected_source_updated_at INTEGER
) STRICT;

CREATE INDEX stage_one_outputs_newest ON stage_one_outputs (source_updated_at DESC, thread_id DESC);

CREATE TABLE jobs (
  kind TEXT NOT NULL CHECK (kind IN ('memory_stage1', 'memory_consolidate_global')),
  job_key TEXT NOT NULL CHECK (kind <> 'memory_consolidate_global' OR job_key = 'global'),
  status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'done', 'error')),
  worker_id TEXT,
  ownership_token TEXT,
  started_at INTEGER,
  finished_at INTEGER,
  lease_until INTEGER,
  retry_at INTEGER,
  retry_remaining INTEGER NOT NULL CHECK (retry_remaining >= 0),
  last_error TEXT,
  input_watermark INTEGER,
  last_success_watermark INTEGER,
  discards INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (kind, job_key)
) STRICT, WITHOUT ROWID;

CREATE INDEX jobs_running ON jobs (kind, lease_until) WHERE status = 'running';

CREATE TABLE token_ledger (
  id INTEGER PRIMARY KEY,
  job_kind TEXT NOT NULL,
  thread_id TEXT,
  purpose TEXT NOT NULL CHECK (purpose IN ('stage_one', 'consolidation')),
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('reserved', 'done', 'lost')),
  reserved_tokens INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL DEFAULT 0,
  cached_input_tokens INTEGER NOT NULL DEFAULT 0,
  output_tokens INTEGER NOT NULL DEFAULT 0,
  time INTEGER NOT NULL
) STRICT;

CREATE INDEX token_ledger_time ON token_ledger (time);

CREATE TABLE memory_meta (key TEXT NOT NULL PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;

INSERT INTO memory_meta (key, value) VALUES
  ('artifacts_generation', 0),
  ('synced_generation', 0),
  ('input_generation', 0),
  ('consolidated_generation', 0),
  ('consolidated_set', ''),
  ('import', 'done'),
  ('legacy_migration', 'none'),
  ('published_token', '');

-- What the derived columns of a thread must be. A wrong column can delay a thread, never claim it twice: the claim
-- repeats the real terms.
CREATE VIEW thread_due_columns AS
SELECT
  id,
  settled_at,
  blocked_until,
  archived = 0 AND memory_mode = 'enabled' AND first_user_message <> '' AND settled_at < updated_at AS due
FROM (
  SELECT
    t.id, t.updated_at, t.archived, t.memory_mode, t.first_user_message,
    max(
      coalesce(o.source_updated_at, -1),
      coalesce(j.last_success_watermark, -1),
      CASE WHEN j.status = 'error' AND j.retry_remaining = 0 THEN coalesce(j.input_watermark, -1) ELSE -1 END
    ) AS settled_at,
    CASE
      WHEN j.status = 'running' THEN coalesce(j.lease_until, 0)
      WHEN t.updated_at > coalesce(j.input_watermark, -1) THEN 0
      ELSE coalesce(j.retry_at, 0)
    END AS blocked_until
  FROM threads t
  LEFT JOIN stage_one_outputs o ON o.thread_id = t.id
  LEFT JOIN jobs j ON j.kind = 'memory_stage1' AND j.job_key = t.id
);

CREATE TRIGGER threads_insert_due AFTER INSERT ON threads
BEGIN
  UPDATE threads SET (settled_at, blocked_until, due) =
    (SELECT v.settled_at, v.blocked_until, v.due FROM thread_due_columns v WHERE v.id = NEW.id)
  WHERE id = NEW.id;
END;

CREATE TRIGGER threads_update_due
AFTER UPDATE OF updated_at, archived, memory_mode, first_user_message ON threads
BEGIN
  UPDATE threads SET (settled_at, blocked_until, due) =
    (SELECT v.settled_at, v.blocked_until, v.due FROM thread_due_columns v WHERE v.id = NEW.id)
  WHERE id = NEW.id;
END;

CREATE TRIGGER jobs_insert_due AFTER INSERT ON jobs WHEN NEW.kind = 'memory_stage1'
BEGIN
  UPDATE threads SET (settled_at, blocked_until, due) =
    (SELECT v.settled_at, v.blocked_until, v.due FROM thread_due_columns v WHERE v.id = NEW.job_key)
  WHERE id = NEW.job_key;
END;

CREATE TRIGGER jobs_update_due AFTER UPDATE ON jobs WHEN NEW.kind = 'memory_stage1'
BEGIN
  UPDATE threads SET (settled_at, blocked_until, due) =
    (SELECT v.settled_at, v.blocked_until, v.due FROM thread_due_columns v WHERE v.id = NEW.job_key)
  WHERE id = NEW.job_key;
END;

CREATE TRIGGER jobs_delete_due AFTER DELETE ON jobs WHEN OLD.kind = 'memory_stage1'
BEGIN
  UPDATE threads SET (settled_at, blocked_until, due) =
    (SELECT v.settled_at, v.blocked_until, v.due FROM thread_due_columns v WHERE v.id = OLD.job_key)
  WHERE id = OLD.job_key;
END;

-- Generations rise by construction: with the write that causes them, in its transaction.
CREATE TRIGGER outputs_insert AFTER INSERT ON stage_one_outputs
BEGIN
  UPDATE threads SET (settled_at, blocked_until, due) =
    (SELECT v.settled_at, v.blocked_until, v.due FROM thread_due_columns v WHERE v.id = NEW.thread_id)
  WHERE id = NEW.thread_id;
  UPDATE memory_meta SET value = value + 1 WHERE key IN ('artifacts_generation', 'input_generation');
END;

CREATE TRIGGER outputs_delete AFTER DELETE ON stage_one_outputs
BEGIN
  UPDATE threads SET (settled_at, blocked_until, due) =
    (SELECT v.settled_at, v.blocked_until, v.due FROM thread_due_columns v WHERE v.id = OLD.thread_id)
  WHERE id = OLD.thread_id;
  UPDATE memory_meta SET value = value + 1 WHERE key IN ('artifacts_generation', 'input_generation');
END;

CREATE TRIGGER outputs_update AFTER UPDATE ON stage_one_outputs
BEGIN
  UPDATE memory_meta SET value = value + 1 WHERE key = 'artifacts_generation';
END;

CREATE TRIGGER outputs_update_input
AFTER UPDATE OF raw_memory, rollout_summary, source_updated_at ON stage_one_outputs
WHEN NEW.raw_memory <> OLD.raw_memory
  OR NEW.rollout_summary <> OLD.rollout_summary
  OR NEW.source_updated_at <> OLD.source_updated_at
BEGIN
  UPDATE threads SET (settled_at, blocked_until, due) =
    (SELECT v.settled_at, v.blocked_until, v.due FROM thread_due_columns v WHERE v.id = NEW.thread_id)
  WHERE id = NEW.thread_id;
  UPDATE memory_meta SET value = value + 1 WHERE key = 'input_generation';
END;

-- A change of mode shows or hides the thread's output everywhere.
CREATE TRIGGER threads_update_mode AFTER UPDATE OF memory_mode ON threads
WHEN (NEW.memory_mode = 'enabled') <> (OLD.memory_mode = 'enabled')
  AND EXISTS (SELECT 1 FROM stage_one_outputs WHERE thread_id = NEW.id)
BEGIN
  UPDATE memory_meta SET value = value + 1 WHERE key IN ('artifacts_generation', 'input_generation');
END;

CREATE TRIGGER threads_insert_mode AFTER INSERT ON threads
WHEN NEW.memory_mode <> 'enabled' AND EXISTS (SELECT 1 FROM stage_one_outputs WHERE thread_id = NEW.id)
BEGIN
  UPDATE memory_meta SET value = value + 1 WHERE key IN ('artifacts_generation', 'input_generation');
END;

-- An output without a thread counts as enabled, so a hidden one must not outlive the row that hides it.
CREATE TRIGGER threads_delete_hidden AFTER DELETE ON threads WHEN OLD.memory_mode <> 'enabled'
BEGIN
  DELETE FROM stage_one_outputs WHERE thread_id = OLD.id;
END;

-- The enqueue of phase two is the rise of its input: one row, retries restored, a back-off kept.
CREATE TRIGGER enqueue_consolidation AFTER UPDATE OF value ON memory_meta
WHEN NEW.key = 'input_generation' AND NEW.value > OLD.value
BEGIN
  INSERT INTO jobs (kind, job_key, status, retry_remaining, input_watermark, last_success_watermark)
  VALUES (
    'memory_consolidate_global', 'global', 'pending', 3,
    coalesce((SELECT max(source_updated_at) FROM stage_one_outputs), 0), 0
  )
  ON CONFLICT (kind, job_key) DO UPDATE SET
    status = CASE WHEN status = 'running' THEN 'running' ELSE 'pending' END,
    retry_remaining = 3,
    input_watermark = max(coalesce(input_watermark, 0) + 1, excluded.input_watermark);
END;
