import {
  chmodSync,
  closeSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { randomHex } from "./ids.ts";

/**
 * Writes the whole content or nothing: a temporary file in the same folder, flushed, then renamed over
 * the target. `mode` defaults to 0o644 (before umask); an existing file's mode is the caller's to pass.
 * `owner` is given to the new file when it differs (EPERM or EINVAL when that is not ours to do). Throws the system error (ENOSPC, EROFS, EACCES …) with the target untouched.
 */
export function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  options: { mode?: number; owner?: { uid: number; gid: number } } = {},
): void {
  const temporary = join(dirname(path), `.${randomHex(12)}.tmp`);
  const bytes = typeof content === "string" ? Buffer.from(content, "utf8") : content;
  const mode = options.mode ?? 0o644;
  const fd = openSync(temporary, "wx", mode);
  try {
    try {
      if (options.owner !== undefined) giveTo(fd, options.owner);
      writeFully(fd, bytes);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    if (options.mode !== undefined) chmodSync(temporary, options.mode);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function giveTo(fd: number, owner: { uid: number; gid: number }): void {
  const { uid, gid } = fstatSync(fd);
  if (uid !== owner.uid || gid !== owner.gid) fchownSync(fd, owner.uid, owner.gid);
}

/** Writes every byte to the descriptor, however many calls that takes. */
export function writeFully(fd: number, bytes: Uint8Array): void {
  let offset = 0;
  while (offset < bytes.length) offset += writeSync(fd, bytes, offset, bytes.length - offset);
}
