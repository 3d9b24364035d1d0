import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { CodexError, osErrorText } from "#lib/errors.ts";
import { readUpTo } from "#lib/read-descriptor.ts";

/** More than any model's context holds. */
const MAX_BYTES = 1 << 20;

/**
 * The trimmed text of a file that a setting names; undefined where there is no such setting. `what` names the file in
 * messages. Throws a CodexError for one that cannot be read, is no file (a pipe or device would never end), is larger
 * than 1 MiB or blank.
 */
export function readPromptFile(file: string | undefined, what: string): string | undefined {
  if (file === undefined) return undefined;
  const text = readText(file, what).trim();
  if (text === "") throw new CodexError("prompt_file_empty", `${what} is empty: ${file}`);
  return text;
}

function readText(file: string, what: string): string {
  const refuse = (why: string, cause?: unknown) =>
    new CodexError("prompt_file_unreadable", `failed to read ${what} ${file}: ${why}`, { cause });
  let fd: number | undefined;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    if (!stat.isFile() && !stat.isDirectory()) throw refuse("it is a pipe or device, expected a file");
    const bytes = readUpTo(fd, MAX_BYTES + 1);
    if (bytes.length > MAX_BYTES) throw refuse(`it has more than ${MAX_BYTES} bytes`);
    return bytes.toString("utf8");
  } catch (error) {
    throw error instanceof CodexError ? error : refuse(osErrorText(error), error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
