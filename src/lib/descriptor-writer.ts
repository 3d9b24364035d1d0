import { write } from "node:fs";
import { sleep } from "./abort.ts";
import { errnoOf } from "./errors.ts";

/** How long to wait before a pipe that is full is tried again, where it does not block. */
const FULL_PIPE_MS = 2;

/**
 * Writes text to a descriptor in order and without ever blocking the event loop: while one write is under way, what
 * comes in is collected for the next. A reader that went away ends it, quietly for the writer: see `closed`.
 */
export class DescriptorWriter {
  readonly #fd: number;
  #waiting: string[] = [];
  #backlog = 0;
  #writing: Promise<void> | undefined;
  readonly #closing = Promise.withResolvers<unknown>();
  #isClosed = false;
  #progress = Promise.withResolvers<void>();

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Resolves with the system error when nothing can be written any more. Stays open for as long as it can. */
  get closed(): Promise<unknown> {
    return this.#closing.promise;
  }

  /** UTF-16 units that are not written yet: how far the reader is behind. */
  get backlog(): number {
    return this.#backlog;
  }

  write(text: string): void {
    if (this.#isClosed) return;
    this.#waiting.push(text);
    this.#backlog += text.length;
    this.#writing ??= this.#run();
  }

  /** Resolves when the backlog is next shorter. */
  get progressed(): Promise<void> {
    return this.#progress.promise;
  }

  /** Resolves when everything so far is written, or nothing can be. */
  async flushed(): Promise<void> {
    await this.#writing;
  }

  async #run(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const text = this.#waiting.join("");
        this.#waiting = [];
        await this.#writeAll(Buffer.from(text, "utf8"));
        this.#shorten(text.length);
      }
    } catch (error) {
      this.#isClosed = true;
      this.#waiting = [];
      this.#shorten(this.#backlog);
      this.#closing.resolve(error);
    }
    this.#writing = undefined;
  }

  #shorten(by: number): void {
    this.#backlog -= by;
    this.#progress.resolve();
    this.#progress = Promise.withResolvers();
  }

  async #writeAll(bytes: Buffer): Promise<void> {
    for (let offset = 0; offset < bytes.length; ) {
      try {
        offset += await writeOnce(this.#fd, bytes, offset);
      } catch (error) {
        if (errnoOf(error) !== "EAGAIN") throw error;
        await sleep(FULL_PIPE_MS);
      }
    }
  }
}

function writeOnce(fd: number, bytes: Buffer, offset: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, offset, bytes.length - offset, null, (error, written) =>
      error === null ? resolve(written) : reject(error),
    );
  });
}
