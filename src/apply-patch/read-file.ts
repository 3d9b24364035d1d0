import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { CodexError, osErrorText } from "#lib/errors.ts";

/**
 * 64 MiB. Larger files are refused: an edit holds the old and the new content in memory, about four times
 * the file's size, and that is more than a patch should be able to ask for.
 */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** 1 MiB: what is overwritten or deleted is read only to be shown in a diff; larger files are not shown. */
export const MAX_SHOWN_BYTES = 1024 * 1024;

/** A file's bytes and permission bits, or why it cannot be read (in the wording of the patch messages). */
export type FileRead = { bytes: Buffer; mode: number } | { reason: string };

/** Reads a regular file of at most `maxBytes`, without ever blocking on a pipe or a device. */
export function readRegularFile(path: string, maxBytes: number = MAX_FILE_BYTES): FileRead {
  try {
    // O_NONBLOCK: opening a named pipe for reading would otherwise wait for a writer.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(fd);
      if (stat.isDirectory()) throw Object.assign(new Error("is a directory"), { code: "EISDIR" });
      if (!stat.isFile()) throw new CodexError("not_a_regular_file", "not a regular file");
      if (stat.size > maxBytes) throw new CodexError("file_too_large", tooLarge(stat.size, maxBytes));
      return { bytes: readFileSync(fd), mode: stat.mode & 0o7777 };
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return { reason: osErrorText(error) };
  }
}

function tooLarge(size: number, maxBytes: number): string {
  return `the file has ${size} bytes; files over ${maxBytes} bytes cannot be patched, edit it with a command`;
}
