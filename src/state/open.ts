import type { ArtifactImporter } from "./artifact-importer.ts";
import { databasePath } from "./database-path.ts";
import { Connection } from "./sqlite/connection.ts";
import { sqliteStore } from "./sqlite/sqlite-store.ts";
import type { StateStore } from "./store.ts";

/** How long a transaction waits for another process by default. */
const BUSY_TIMEOUT_MS = 10_000;

export interface OpenStateOptions {
  /** Absolute. */
  codexHome: string;
  /** Reads the memory files back when the database is new. */
  artifacts: ArtifactImporter;
  /** Told, in a sentence for the user, when a damaged database was put aside. */
  report: (notice: string) => void;
  /** For callers that must not wait long. */
  busyTimeoutMs?: number;
}

/** Where the database of a home is. */
export function stateDatabasePath(codexHome: string): string {
  return databasePath(codexHome);
}

/**
 * Opens the state of a home, making or mending it where needed: a damaged file is put aside under a new name and
 * the import of the memory files is done before anything else. Throws `CodexError` ("state_newer" when a later
 * program has changed it, "state_locked", "state_unopenable" …).
 */
export async function openState(options: OpenStateOptions): Promise<StateStore> {
  const { codexHome, artifacts, report, busyTimeoutMs = BUSY_TIMEOUT_MS } = options;
  const connection = new Connection({ path: stateDatabasePath(codexHome), busyTimeoutMs, artifacts }, report);
  return sqliteStore(connection, codexHome);
}
