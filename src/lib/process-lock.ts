import type { Database } from "bun:sqlite";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { sleep } from "./abort.ts";
import { monotonicMs } from "./clock.ts";
import { CodexError, osErrorText } from "./errors.ts";

/** Nobody holds a lock for longer than the slowest request of ours under one, the renewal of a token, takes. */
const WAIT_LIMIT_MS = 40_000;
const TRY_AGAIN_MS = 20;

/**
 * Runs `work` while no other process, nor other work of this one, holds the lock of that path. The lock is one of
 * SQLite's on an empty database: the system takes it from a process that dies. Throws a CodexError when it cannot be
 * made or is not free within 40 seconds, and the signal's reason when aborted while waiting.
 */
export async function withProcessLock<T>(path: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const lock = await open(path);
  try {
    await take(() => lock.run("BEGIN IMMEDIATE"), path, signal);
    return await work();
  } finally {
    lock.close();
  }
}

async function open(path: string): Promise<Database> {
  const { Database } = await import("bun:sqlite");
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return new Database(path, { create: true });
  } catch (error) {
    throw new CodexError("process_lock", `Cannot make the lock "${path}": ${osErrorText(error)}`);
  }
}

async function take(tryOnce: () => void, path: string, signal: AbortSignal): Promise<void> {
  const deadline = monotonicMs() + WAIT_LIMIT_MS;
  for (;;) {
    try {
      return tryOnce();
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "SQLITE_BUSY")) throw error;
      if (monotonicMs() > deadline) throw new CodexError("process_lock", `Another process holds the lock "${path}"`);
    }
    await sleep(TRY_AGAIN_MS, signal);
  }
}
