import { Database } from "bun:sqlite";
import { closeSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { monotonicMs } from "#lib/clock.ts";
import { CodexError, osErrorText } from "#lib/errors.ts";
import type { ArtifactImporter } from "../artifact-importer.ts";
import { isBusy } from "./errors.ts";
import { importArtifacts } from "./import-artifacts.ts";
import { migrate, refuseNewer, SCHEMA_VERSION, schemaVersion } from "./migrate.ts";
import { writeTransaction } from "./transaction.ts";

export interface ConnectOptions {
  /** Absolute; made when missing, folder included. */
  path: string;
  /** How long to wait for another process's lock. */
  busyTimeoutMs: number;
  artifacts: ArtifactImporter;
}

/** An open, migrated database whose import is done, and which file it is. */
export interface Opened {
  db: Database;
  identity: string;
}

/** Opens the database. Throws `CodexError` "state_newer" or SQLite's error. */
export function connect(options: ConnectOptions): Opened {
  while (true) {
    createPrivately(options.path);
    const identity = fileIdentity(options.path);
    const db = new Database(options.path, { create: true, strict: true });
    try {
      prepare(db, options);
    } catch (error) {
      db.close();
      throw error;
    }
    // Between the look and the opening another process may have put a new file in place.
    if (identity !== undefined && identity === fileIdentity(options.path)) return { db, identity };
    db.close();
  }
}

/** Which file is at a path now, or undefined when there is none. */
export function fileIdentity(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? undefined : `${stat.dev}:${stat.ino}`;
}

/** What memories say is the user's own business; SQLite gives the file's mode to its companions. */
function createPrivately(path: string): void {
  try {
    if (statSync(path, { throwIfNoEntry: false }) !== undefined) return;
    mkdirSync(dirname(path), { recursive: true });
    closeSync(openSync(path, "a", 0o600));
  } catch (error) {
    throw new CodexError("state_unopenable", `Cannot create the state database "${path}": ${osErrorText(error)}`, {
      cause: error,
    });
  }
}

function prepare(db: Database, options: ConnectOptions): void {
  db.run(`PRAGMA busy_timeout = ${options.busyTimeoutMs}`);
  const version = schemaVersion(db);
  refuseNewer(version, options.path);
  if (version < SCHEMA_VERSION) {
    enterWalMode(db, options.busyTimeoutMs);
    writeTransaction(db, () => migrate(db, options.path, { importPending: () => options.artifacts.present() }));
  }
  // In WAL mode this can lose the last commits in a power cut, never the database's soundness.
  db.run("PRAGMA synchronous = NORMAL");
  db.run(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  importArtifacts(db, options.artifacts);
}

/** 16 MiB of log before a commit has to copy it back, which costs that commit 10 ms and more; closing does it too. */
const CHECKPOINT_PAGES = 4096;

const WAL_RETRY_MS = 5;

/** SQLite does not wait for others when the mode changes, so the waiting is done here. */
function enterWalMode(db: Database, busyTimeoutMs: number): void {
  const deadline = monotonicMs() + busyTimeoutMs;
  while (true) {
    try {
      db.run("PRAGMA journal_mode = WAL");
      return;
    } catch (error) {
      if (!isBusy(error) || monotonicMs() > deadline) throw error;
      Bun.sleepSync(WAL_RETRY_MS);
    }
  }
}
