import type { Database } from "bun:sqlite";
import { CodexError } from "#lib/errors.ts";
import memoryPipeline from "./migrations/0001_memory_pipeline.sql" with { type: "text" };

/** Applied in order, once each; never changed after a release. The schema's version is how many were applied. */
const MIGRATIONS: readonly string[] = [memoryPipeline];

/** The version this program writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** How many migrations a database has seen; 0 for a new one. Throws the SQLite error of a broken file. */
export function schemaVersion(db: Database): number {
  return db.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version ?? 0;
}

/**
 * Brings a database up to this program's version; call inside a write transaction. `importPending` marks a new
 * database as one that must first read the artifacts on disk. Throws `CodexError` "state_newer".
 */
export function migrate(db: Database, path: string, options: { importPending: () => boolean }): void {
  const version = schemaVersion(db);
  refuseNewer(version, path);
  for (const sql of MIGRATIONS.slice(version)) db.run(sql);
  if (version < SCHEMA_VERSION) db.run(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  if (version === 0 && options.importPending()) db.run("UPDATE memory_meta SET value = 'pending' WHERE key = 'import'");
}

/** Throws `CodexError` "state_newer" when a later program has changed the database. */
export function refuseNewer(version: number, path: string): void {
  if (version <= SCHEMA_VERSION) return;
  throw new CodexError(
    "state_newer",
    `Cannot use the state database "${path}": its schema is version ${version}, this program knows up to ${SCHEMA_VERSION}. ` +
      "Update codex, or start with another CODEX_HOME; the file was left as it is",
  );
}
