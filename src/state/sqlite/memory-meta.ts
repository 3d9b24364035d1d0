import type { Database } from "bun:sqlite";
import type { MemoryMeta } from "../rows.ts";
import type { NoteKey } from "../store.ts";

type MetaKey =
  | "artifacts_generation"
  | "synced_generation"
  | "input_generation"
  | "consolidated_generation"
  | "consolidated_set"
  | "import"
  | "legacy_migration"
  | "published_token";

/** All counters and states at once. */
export function readMeta(db: Database): MemoryMeta {
  const rows = db.query<{ key: string; value: unknown }, []>("SELECT key, value FROM memory_meta").all();
  const values = new Map(rows.map(({ key, value }) => [key, value]));
  const text = (key: MetaKey) => String(values.get(key) ?? "");
  const number = (key: MetaKey) => Number(values.get(key) ?? 0);
  const migration = text("legacy_migration");
  return {
    artifactsGeneration: number("artifacts_generation"),
    syncedGeneration: number("synced_generation"),
    inputGeneration: number("input_generation"),
    consolidatedGeneration: number("consolidated_generation"),
    import: text("import") === "pending" ? "pending" : "done",
    legacyMigration: migration === "started" || migration === "done" ? migration : "none",
    publishedToken: text("published_token"),
  };
}

/** A digest of the (thread, time) pairs that were consolidated last, "" when none were. */
export function consolidatedSet(db: Database): string {
  return String(getValue(db, "consolidated_set") ?? "");
}

export function setMeta(db: Database, key: MetaKey, value: string | number): void {
  db.query("INSERT INTO memory_meta (key, value) VALUES ($key, $value) ON CONFLICT DO UPDATE SET value = $value").run({
    key,
    value,
  });
}

/** Adds one to generations although no row changed. */
export function raiseGenerations(db: Database, keys: readonly ("artifacts_generation" | "input_generation")[]): void {
  for (const key of keys) db.query("UPDATE memory_meta SET value = value + 1 WHERE key = $key").run({ key });
}

export function getNote(db: Database, key: NoteKey): string | undefined {
  const value = getValue(db, noteName(key));
  return value === undefined ? undefined : String(value);
}

export function setNote(db: Database, key: NoteKey, value: string, onlyIfAbsent: boolean): boolean {
  const conflict = onlyIfAbsent ? "DO NOTHING" : "DO UPDATE SET value = $value";
  const sql = `INSERT INTO memory_meta (key, value) VALUES ($key, $value) ON CONFLICT ${conflict}`;
  return db.query(sql).run({ key: noteName(key), value }).changes > 0;
}

function noteName(key: NoteKey): string {
  return `note:${key}`;
}

function getValue(db: Database, key: string): unknown {
  return db.query<{ value: unknown }, { key: string }>("SELECT value FROM memory_meta WHERE key = $key").get({ key })
    ?.value;
}
