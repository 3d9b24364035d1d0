import { chmodSync, closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { randomHex } from "./ids.ts";

/**
 * Writes the whole content or nothing: a temporary file in the same folder, flushed, then renamed over
 * the target. `mode` defaults to 0o644 (before umask); an existing file's mode is the caller's to pass.
 * Throws the system error (ENOSPC, EROFS, EACCES …) with the target untouched.
 */
export function writeFileAtomic(path: string, content: string | Uint8Array, options: { mode?: number } = {}): void {
  const temporary = join(dirname(path), `.${randomHex(12)}.tmp`);
  const bytes = typeof content === "string" ? Buffer.from(content, "utf8") : content;
  const mode = options.mode ?? 0o644;
  const fd = openSync(temporary, "wx", mode);
  try {
    try {
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

/** Writes every byte to the descriptor, however many calls that takes. */
export function writeFully(fd: number, bytes: Uint8Array): void {
  let offset = 0;
  while (offset < bytes.length) offset += writeSync(fd, bytes, offset, bytes.length - offset);
}
