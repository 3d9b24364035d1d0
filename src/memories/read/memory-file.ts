import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { CodexError, errnoOf, osErrorText } from "#lib/errors.ts";
import { readUpTo } from "#lib/read-descriptor.ts";

/** Generated parts end at 256 KiB; beyond this a file is not one to begin a conversation with. */
const MAX_BYTES = 4 << 20;

/**
 * The text of a regular file, its first 4 MiB; undefined when it is missing, a link or anything but a file. A link is
 * never followed: what is shown to a model must be what stands in the memory folder. Throws `CodexError`
 * "memory_unreadable" for a file nobody lets us read.
 */
export function readMemoryFile(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = errnoOf(error);
    if (code === "ENOENT" || code === "ELOOP" || code === "ENOTDIR" || code === "ENXIO") return undefined;
    throw new CodexError("memory_unreadable", `Cannot read "${path}": ${osErrorText(error)}`, { cause: error });
  }
  try {
    const stat = fstatSync(fd);
    return stat.isFile() ? readUpTo(fd, Math.min(stat.size, MAX_BYTES)).toString("utf8") : undefined;
  } finally {
    closeSync(fd);
  }
}
