import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { writeFully } from "#lib/atomic-file.ts";
import { CodexError, errnoOf } from "#lib/errors.ts";
import { randomHex } from "#lib/ids.ts";
import { readUpTo } from "#lib/read-descriptor.ts";

/** Told before each effect of a publishing step: its number, from 1, and what comes next. Tests stop the process there. */
export type StepHook = (step: number, next: string) => void;

/** Counts the steps of one piece of work for its hook. */
export function stepCounter(hook: StepHook | undefined): (next: string) => void {
  let step = 0;
  return (next) => hook?.(++step, next);
}

/**
 * Makes sure that a folder of the memory root is a real folder, making it when it is missing. Throws a `CodexError`
 * when a link or something else is in its place: nothing is ever written through those.
 */
export function ensureFolder(path: string): void {
  const found = folderState(path);
  if (found === "missing") mkdirSync(path, { recursive: true, mode: 0o700 });
  else if (found !== "folder") throw notAFolder(path, found);
}

/** As `ensureFolder`, without making it: whether it is there. */
export function isFolder(path: string): boolean {
  const found = folderState(path);
  if (found === "folder" || found === "missing") return found === "folder";
  throw notAFolder(path, found);
}

type FolderState = "folder" | "missing" | "link" | "other";

function folderState(path: string): FolderState {
  try {
    const stat = lstatSync(path);
    if (stat.isSymbolicLink()) return "link";
    return stat.isDirectory() ? "folder" : "other";
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return "missing";
    throw error;
  }
}

function notAFolder(path: string, found: "link" | "other"): CodexError {
  const what = found === "link" ? "a symbolic link" : "not a folder";
  return new CodexError(
    "memory_root",
    `Cannot write memories: "${path}" is ${what}, expected a folder; move it away or put a folder in its place`,
  );
}

/** The bytes of a regular file; "absent", or "other" for a link, a folder or anything else. Links are not followed. */
export function readRegular(path: string): Buffer | "absent" | "other" {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = errnoOf(error);
    if (code === "ENOENT") return "absent";
    if (code === "ELOOP" || code === "EMLINK" || code === "ENXIO" || code === "EISDIR") return "other";
    throw error;
  }
  try {
    const stat = fstatSync(fd);
    return stat.isFile() ? readUpTo(fd, stat.size) : "other";
  } finally {
    closeSync(fd);
  }
}

/** The name of a temporary file for a target: hidden, in the same folder, known again by `isTemporary`. */
function temporaryFor(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomHex(12)}.tmp`);
}

/** Whether an entry's name is that of a temporary file of ours. */
export function isTemporary(name: string): boolean {
  return /^\..+\.[0-9a-f]{12}\.tmp$/.test(name);
}

/** Writes all bytes under a temporary name beside the target; removed again when that fails. Returns the name. */
export function writeTemporary(path: string, bytes: Uint8Array, options: { durable: boolean }): string {
  const temporary = temporaryFor(path);
  const fd = openSync(temporary, "wx", 0o600);
  try {
    writeFully(fd, bytes);
    if (options.durable) fsyncSync(fd);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
  return temporary;
}

/** Puts a temporary file in its target's place; removed again when that fails. */
export function moveIntoPlace(temporary: string, path: string): void {
  try {
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
