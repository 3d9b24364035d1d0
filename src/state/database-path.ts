import { join } from "node:path";

/** Our own file: what other programs keep in the same home is never touched. */
const DATABASE = "codex-ts.sqlite";

/** Where the database of a home is. Loads nothing of the database itself. */
export function databasePath(codexHome: string): string {
  return join(codexHome, DATABASE);
}
