import type { Database } from "bun:sqlite";

/** Runs `work` as one write transaction that waits for other writers first; rolls back when it throws. */
export function writeTransaction<T>(db: Database, work: () => T): T {
  return within(db, "BEGIN IMMEDIATE", work);
}

/** Runs `work` on one snapshot; writers go on meanwhile. */
export function readTransaction<T>(db: Database, work: () => T): T {
  return within(db, "BEGIN", work);
}

function within<T>(db: Database, begin: string, work: () => T): T {
  db.query(begin).run();
  try {
    const result = work();
    db.query("COMMIT").run();
    return result;
  } catch (error) {
    // SQLite has already rolled back by itself after some errors (disk full, broken file).
    if (db.inTransaction) db.query("ROLLBACK").run();
    throw error;
  }
}
