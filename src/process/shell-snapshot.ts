import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "#lib/atomic-file.ts";
import { nowMs } from "#lib/clock.ts";
import { shellJoin } from "#lib/shell-join.ts";

const STALE_AFTER_MS = 3 * 24 * 60 * 60 * 1000;

/**
 * Writes the file that a command's bash reads through BASH_ENV before its script, so that `$0` and line
 * numbers stay as they were. Its first line gives BASH_ENV back to the command. Throws the system error
 * when the folder cannot be written.
 */
export function writeSnapshot(
  codexHome: string,
  threadId: string,
  content: { restore: string; bashEnv: string | undefined },
): string {
  const folder = join(codexHome, "shell_snapshots");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  removeStale(folder);
  const path = join(folder, `${threadId}.sh`);
  const bashEnv = content.bashEnv === undefined ? "unset BASH_ENV" : `BASH_ENV=${shellJoin([content.bashEnv])}`;
  writeFileAtomic(path, `${bashEnv}\n${content.restore}\n`, { mode: 0o600 });
  return path;
}

/** Snapshots of sessions that did not end in order. */
function removeStale(folder: string): void {
  const limit = nowMs() - STALE_AFTER_MS;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const modified = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (modified !== undefined && modified < limit) rmSync(path, { force: true });
  }
}
