import { SQLiteError } from "bun:sqlite";
import { CodexError } from "#lib/errors.ts";

/** Whether SQLite found that the file is no sound database. */
export function isCorrupt(error: unknown): boolean {
  return hasCode(error, "SQLITE_CORRUPT") || hasCode(error, "SQLITE_NOTADB");
}

/**
 * Whether a second look at the file is worth it: it is damaged, or reading it failed, which is also what a process
 * meets that opens the file and its companions while another one is putting them aside.
 */
export function deservesSecondLook(error: unknown): boolean {
  return isCorrupt(error) || hasCode(error, "SQLITE_IOERR");
}

/** Whether another process kept the database longer than the busy timeout. */
export function isBusy(error: unknown): boolean {
  return hasCode(error, "SQLITE_BUSY");
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof SQLiteError && error.code?.startsWith(code) === true;
}

/** What a user can mend about a failed database access; anything else comes back as it was. */
export function stateError(error: unknown, path: string): unknown {
  if (!(error instanceof SQLiteError)) return error;
  const failed = (code: string, what: string) =>
    new CodexError(code, `Cannot use the state database "${path}": ${what}`, { cause: error });
  if (isBusy(error)) return failed("state_locked", "another process holds its lock. Try again when that one has ended");
  if (isCorrupt(error)) return failed("state_corrupt", `it is damaged (${error.message})`);
  if (hasCode(error, "SQLITE_FULL")) return failed("state_full", "the disk is full. Free some space and try again");
  if (hasCode(error, "SQLITE_READONLY")) return failed("state_read_only", "it cannot be written. Make it writable");
  if (hasCode(error, "SQLITE_CANTOPEN"))
    return failed("state_unopenable", "it cannot be opened as a file. Make the folder and the file accessible");
  if (hasCode(error, "SQLITE_IOERR")) return failed("state_io", `reading or writing it failed (${error.message})`);
  return error;
}
