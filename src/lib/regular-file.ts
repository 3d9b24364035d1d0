import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from "node:fs";
import { CodexError } from "./errors.ts";

/**
 * Reads a regular file at once. Whatever else is at the path (a named pipe without a writer, a device without an end)
 * is refused and never waited for: CodexError "not_a_regular_file", or the system's EISDIR for a folder. `accept` may
 * throw for a file that is not wanted, before anything of it is read. Throws the system error of any other failure.
 */
export function readRegularFile(
  path: string,
  accept: (stat: Stats) => void = () => {},
): { bytes: Buffer; stat: Stats } {
  // O_NONBLOCK: opening a named pipe for reading would otherwise wait for a writer.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) throw Object.assign(new Error("is a directory"), { code: "EISDIR" });
    if (!stat.isFile()) throw new CodexError("not_a_regular_file", "not a regular file");
    accept(stat);
    return { bytes: readFileSync(fd), stat };
  } finally {
    closeSync(fd);
  }
}
