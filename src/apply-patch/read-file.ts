import { CodexError, osErrorText } from "#lib/errors.ts";
import { readRegularFile } from "#lib/regular-file.ts";

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
export function readForPatch(path: string, maxBytes: number = MAX_FILE_BYTES): FileRead {
  try {
    const { bytes, stat } = readRegularFile(path, ({ size }) => {
      if (size > maxBytes) throw new CodexError("file_too_large", tooLarge(size, maxBytes));
    });
    return { bytes, mode: stat.mode & 0o7777 };
  } catch (error) {
    return { reason: osErrorText(error) };
  }
}

function tooLarge(size: number, maxBytes: number): string {
  return `the file has ${size} bytes; files over ${maxBytes} bytes cannot be patched, edit it with a command`;
}
