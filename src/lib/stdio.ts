import { writeSync } from "node:fs";
import { errnoOf } from "./errors.ts";

/**
 * Writes all of the text to standard output, synchronously: cheaper at start-up than `process.stdout`,
 * and nothing is lost at exit. A reader that went away ends the process quietly, as SIGPIPE would.
 */
export function writeStdout(text: string): void {
  writeAll(1, text);
}

/** The same for standard error; a closed standard error is ignored. */
export function writeStderr(text: string): void {
  writeAll(2, text);
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
      else if (errno === "EPIPE") process.exit(SIGPIPE_EXIT);
      else throw error;
    }
  }
}

/** 128 + SIGPIPE. */
const SIGPIPE_EXIT = 141;
