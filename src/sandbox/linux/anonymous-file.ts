import { closeSync, constants, openSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeFully } from "#lib/atomic-file.ts";
import { randomHex } from "#lib/ids.ts";

/** `O_TMPFILE` of asm-generic/fcntl.h: its own bit and O_DIRECTORY, whose value differs by processor. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/**
 * A descriptor, open for reading and writing, of an empty file without a name. Shared memory first:
 * it costs no disk, and commands see another one. Loading libc for `memfd_create` would cost more.
 */
export function openAnonymousFile(): number {
  for (const folder of ["/dev/shm", tmpdir()]) {
    try {
      return openSync(folder, O_TMPFILE | constants.O_RDWR, 0o600);
    } catch {
      // No such folder, or a file system without nameless files: the next one.
    }
  }
  return openAndUnlink();
}

/** A new read-only description of the same file, at its beginning: the copy in a child moves no offset but its own. */
export function reopenReadOnly(fd: number): number {
  return openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY);
}

/** A nameless file with the bytes, for `reopenReadOnly`. */
export function anonymousFileOf(bytes: Uint8Array): number {
  const fd = openAnonymousFile();
  try {
    writeFully(fd, bytes);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function openAndUnlink(): number {
  const path = join(tmpdir(), `codex-${randomHex(24)}`);
  const fd = openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o600);
  unlinkSync(path);
  return fd;
}
