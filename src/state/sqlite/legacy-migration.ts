import type { Database } from "bun:sqlite";
import type { MemoryMeta } from "../rows.ts";
import { readMeta, setMeta } from "./memory-meta.ts";

/** Notes that the migration is under way, so that every process finishes it first; call inside a write transaction. */
export function startLegacyMigration(db: Database): MemoryMeta["legacyMigration"] {
  const { legacyMigration } = readMeta(db);
  if (legacyMigration === "none") setMeta(db, "legacy_migration", "started");
  return legacyMigration;
}

/** Runs the last step unless another process has; call inside a write transaction. */
export function finishLegacyMigration(db: Database, renames: () => void): boolean {
  if (readMeta(db).legacyMigration === "done") return false;
  renames();
  setMeta(db, "legacy_migration", "done");
  return true;
}
