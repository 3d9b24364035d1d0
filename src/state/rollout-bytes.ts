import { readSync } from "node:fs";

const BLOCK = 1 << 20;
/** Read beyond each block, so that what is searched for is never cut. Longer than any needle. */
const OVERLAP = 64;
const NEWLINE = 10;
/** Longer lines are never parsed: nothing the index needs is in them. */
const MAX_LINE = 4 << 20;

/** A line of the file without its newline. */
export interface LineSpan {
  start: number;
  end: number;
}

/** Random access to an open file, one block in memory. `size` is where the file ends for us, however it grows. */
export class RolloutBytes {
  readonly #fd: number;
  readonly size: number;
  readonly #buffer: Buffer;
  #block = -1;
  #loaded: Buffer = Buffer.alloc(0);

  /** `buffer` is lent by the caller, so that thousands of files share one; see `blockBuffer`. */
  constructor(fd: number, size: number, buffer: Buffer) {
    this.#fd = fd;
    this.size = size;
    this.#buffer = buffer;
  }

  /** The bytes of block `index`, with some of the next. */
  #load(index: number): Buffer {
    if (this.#block === index) return this.#loaded;
    const from = index * BLOCK;
    const want = Math.max(0, Math.min(this.size - from, BLOCK + OVERLAP));
    let read = 0;
    while (read < want) {
      const n = readSync(this.#fd, this.#buffer, read, want - read, from + read);
      if (n === 0) break;
      read += n;
    }
    this.#block = index;
    this.#loaded = this.#buffer.subarray(0, read);
    return this.#loaded;
  }

  /** Runs over the blocks from the one that holds `from`; `visit` gets the bytes and where they begin. */
  eachBlock(from: number, visit: (bytes: Buffer, offset: number) => void): void {
    for (let index = Math.floor(from / BLOCK); index * BLOCK < this.size; index++) {
      const bytes = this.#load(index);
      const skip = Math.max(0, from - index * BLOCK);
      visit(bytes.subarray(skip), index * BLOCK + skip);
    }
  }

  /** The first newline at or after `from`, or -1. */
  nextNewline(from: number): number {
    for (let index = Math.floor(from / BLOCK); index * BLOCK < this.size; index++) {
      const at = this.#load(index).indexOf(NEWLINE, Math.max(0, from - index * BLOCK));
      if (at !== -1) return index * BLOCK + at;
    }
    return -1;
  }

  /** The last newline before `before`, or -1. */
  previousNewline(before: number): number {
    for (let index = Math.floor((before - 1) / BLOCK); index >= 0; index--) {
      const last = before - 1 - index * BLOCK;
      const at = this.#load(index)
        .subarray(0, Math.min(last + 1, BLOCK))
        .lastIndexOf(NEWLINE);
      if (at !== -1) return index * BLOCK + at;
    }
    return -1;
  }

  /** The line around an offset, or undefined when it has no newline yet. */
  lineAround(offset: number): LineSpan | undefined {
    const end = this.nextNewline(offset);
    return end === -1 ? undefined : { start: this.previousNewline(offset) + 1, end };
  }

  /** The text of a line, or undefined when it is too long to be worth it. Invalid UTF-8 becomes U+FFFD. */
  text({ start, end }: LineSpan): string | undefined {
    return end - start > MAX_LINE ? undefined : this.slice(start, end).toString("utf8");
  }

  /** Bytes that stay valid only until the next call. */
  slice(start: number, end: number): Buffer {
    const index = Math.floor(start / BLOCK);
    const from = start - index * BLOCK;
    if (end - index * BLOCK <= BLOCK + OVERLAP) return this.#load(index).subarray(from, from + end - start);
    const pieces: Buffer[] = [];
    for (let at = start; at < end; ) {
      const block = Math.floor(at / BLOCK);
      const piece = this.#load(block).subarray(at - block * BLOCK, Math.min(BLOCK, end - block * BLOCK));
      if (piece.length === 0) break;
      pieces.push(Buffer.from(piece));
      at += piece.length;
    }
    return Buffer.concat(pieces);
  }
}

/** Memory for one file at a time. */
export function blockBuffer(): Buffer {
  return Buffer.allocUnsafe(BLOCK + OVERLAP);
}
