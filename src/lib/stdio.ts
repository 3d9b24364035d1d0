import { writeSync } from "node:fs";
import { CodexError, errnoOf, osErrorText } from "./errors.ts";
import { printable } from "./printable.ts";

/** Code of the CodexError for a standard output whose reader went away: it ends the process quietly, as SIGPIPE would. */
export const STDOUT_CLOSED = "stdout_closed";

/**
 * Writes all of the text to standard output, synchronously: cheaper at start-up than `process.stdout`,
 * and nothing is lost at exit. Throws a CodexError when it cannot: `STDOUT_CLOSED` when nobody reads any more,
 * "stdout_write" for a full disk and the like.
 */
export function writeStdout(text: string): void {
  writeAll(1, text);
}

/** The same for standard error; a closed standard error is ignored. */
export function writeStderr(text: string): void {
  writeAll(2, text);
}

/** A warning on standard error, in which names of files, servers and the like are nothing but text. */
export function writeWarning(message: string): void {
  writeNote(`warning: ${message}`);
}

/** A line for people on standard error, as text only like a warning. */
export function writeNote(text: string): void {
  writeStderr(`${printable(text)}\n`);
}

function writeAll(fd: 1 | 2, text: string): void {
  const bytes = Buffer.from(text, "utf8");
  let offset = 0;
  while (offset < bytes.length) {
    try {
      offset += writeSync(fd, bytes, offset, bytes.length - offset);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === "EAGAIN") Bun.sleepSync(1);
      else if (fd === 2) return;
      else throw stdoutError(error);
    }
  }
}

function stdoutError(error: unknown): CodexError {
  return errnoOf(error) === "EPIPE"
    ? new CodexError(STDOUT_CLOSED, "standard output was closed", { cause: error, exitCode: SIGPIPE_EXIT })
    : new CodexError("stdout_write", `Cannot write to standard output: ${osErrorText(error)}`, { cause: error });
}

/** 128 + SIGPIPE. */
const SIGPIPE_EXIT = 141;
