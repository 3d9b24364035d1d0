import { Database } from "bun:sqlite";
import { renameSync } from "node:fs";
import { nowMs } from "#lib/clock.ts";
import { errnoOf } from "#lib/errors.ts";
import { type ConnectOptions, connect, type Opened } from "./connect.ts";
import { isCorrupt } from "./errors.ts";

/** Companions first: a write-ahead log left beside a new database would be applied to it. */
const SUFFIXES = ["-wal", "-shm", ""];

/**
 * Puts a damaged database aside under a new name, companions too, and opens a new one in its place. One process
 * at a time, and only after a second look, since another may have healed it already. Everything in it can be made
 * again from rollouts and memory files, except what was learned nowhere else: that stays in the renamed file.
 */
export function heal(options: ConnectOptions, report: (notice: string) => void): Opened {
  const lock = new Database(`${options.path}.lock`, { create: true });
  try {
    // The lock of a process that dies goes with it.
    lock.run(`PRAGMA busy_timeout = ${options.busyTimeoutMs}`);
    lock.run("BEGIN EXCLUSIVE");
    const sound = openIfSound(options);
    if (sound !== undefined) return sound;
    const aside = `${options.path}.corrupt-${Math.floor(nowMs() / 1000)}-${process.pid}`;
    for (const suffix of SUFFIXES) renameIfThere(`${options.path}${suffix}`, `${aside}${suffix}`);
    report(`The state database "${options.path}" was damaged. It is kept as "${aside}" and a new one was made`);
    return connect(options);
  } finally {
    lock.close();
  }
}

function openIfSound(options: ConnectOptions): Opened | undefined {
  let opened: Opened | undefined;
  try {
    opened = connect(options);
    const verdict = opened.db.query<{ integrity_check: string }, []>("PRAGMA integrity_check(1)").get();
    if (verdict?.integrity_check === "ok") return opened;
  } catch (error) {
    if (!isCorrupt(error)) throw error;
  }
  opened?.db.close();
  return undefined;
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
}
