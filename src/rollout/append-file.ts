import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";
import { monotonicMs } from "#lib/clock.ts";
import { errnoOf } from "#lib/errors.ts";

/** Longer than what happens between the lines of a turn that is getting on, shorter than any pause of a person. */
const REST_AFTER_MS = 200;

/**
 * A file that is appended to. Its descriptor is given back while nothing is written, so that a process may have more
 * idle sessions than descriptors; whether it is open at the moment makes no other difference.
 */
export class AppendFile {
  readonly path: string;
  #fd: number | undefined;
  /** What the path led to when the file was opened first. */
  readonly #identity: string;
  #isGone = false;
  #usedAtMs = 0;
  #timer: Timer | undefined;

  /** Takes over a descriptor that was opened with O_APPEND. */
  constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
    this.#identity = identityOf(fd);
    this.#restLater();
  }

  /**
   * One write system call; returns how many of the bytes behind `offset` the file took. What goes to a file that was
   * deleted or replaced is lost, as it would be on a descriptor that stayed open. Throws the system error.
   */
  write(bytes: Uint8Array, offset = 0): number {
    this.#fd ??= this.#isGone ? undefined : this.#reopen();
    if (this.#fd === undefined) return bytes.length - offset;
    this.#restLater();
    return writeSync(this.#fd, bytes, offset);
  }

  /** Safe to call twice; a later `write` would open the file again. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** Without O_CREAT: a deleted session stays deleted. */
  #reopen(): number | undefined {
    try {
      const fd = openSync(this.path, constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK);
      if (identityOf(fd) === this.#identity) return fd;
      closeSync(fd);
    } catch (error) {
      const code = errnoOf(error);
      // A pipe in its place that nobody reads is as good as another file.
      if (code !== "ENOENT" && code !== "ENOTDIR" && code !== "ENXIO") throw error;
    }
    this.#isGone = true;
    return undefined;
  }

  /** One timer for all writes: within a turn a line costs no more than a look at the clock. */
  #restLater(): void {
    this.#usedAtMs = monotonicMs();
    this.#timer ??= this.#after(REST_AFTER_MS);
  }

  #after(ms: number): Timer {
    const timer = setTimeout(() => {
      this.#timer = undefined;
      const leftMs = this.#usedAtMs + REST_AFTER_MS - monotonicMs();
      if (leftMs > 0) this.#timer = this.#after(leftMs);
      else this.close();
    }, ms);
    timer.unref();
    return timer;
  }
}

function identityOf(fd: number): string {
  const { dev, ino } = fstatSync(fd, { bigint: true });
  return `${dev}:${ino}`;
}
