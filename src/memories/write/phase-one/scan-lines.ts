import { closeSync, openSync, readSync } from "node:fs";
import { nextTurn } from "#lib/abort.ts";

/** One line of a file. The same object is used for every line: copy what must outlive the call. */
export interface ScannedLine {
  /** Holds the line between `from` and `to`, without its newline. Of an oversized line only the head. */
  buffer: Buffer;
  from: number;
  to: number;
  /** Counted from 1, blank lines included. */
  number: number;
  /** Byte range in the file, without the newline. */
  start: number;
  end: number;
  /** False for a last line without newline: torn, or still being written. */
  terminated: boolean;
  /** The last bytes of a line that was too long to hold; undefined for every other line. */
  tail: Buffer | undefined;
}

export interface ScanOptions {
  signal?: AbortSignal;
  /** Bytes read at once (default 1 MiB). */
  chunkBytes?: number;
  /** Longest line that is held whole (default 4 MiB). */
  maxLineBytes?: number;
}

export interface ScanResult {
  bytes: number;
  lines: number;
}

const CHUNK_BYTES = 1 << 20;
const MAX_LINE_BYTES = 4 << 20;
/** What is kept of either end of an oversized line. */
const EDGE_BYTES = 64 << 10;
const NEWLINE = 10;
/** Bytes read before other work gets its turn: some 20 ms of scanning. */
const TURN_BYTES = 8 << 20;

/**
 * Hands every line of a file to `onLine`, in order, through one reused buffer: memory is bounded by the longest
 * line that is held, not by the file. Throws the system error when the file cannot be read.
 */
export async function scanLines(
  path: string,
  onLine: (line: ScannedLine) => void,
  options: ScanOptions = {},
): Promise<ScanResult> {
  const fd = openSync(path, "r");
  try {
    return await new LineScan(fd, onLine, options).run();
  } finally {
    closeSync(fd);
  }
}

class LineScan {
  readonly #fd: number;
  readonly #onLine: (line: ScannedLine) => void;
  readonly #signal: AbortSignal | undefined;
  readonly #maxLine: number;
  readonly #edge: number;
  #buffer: Buffer;
  /** Bytes of the buffer that hold data of the file. */
  #filled = 0;
  #sinceTurn = 0;
  /** Place of the buffer's first byte in the file. */
  #offset = 0;
  readonly #line: ScannedLine;

  constructor(fd: number, onLine: (line: ScannedLine) => void, options: ScanOptions) {
    this.#fd = fd;
    this.#onLine = onLine;
    this.#signal = options.signal;
    this.#maxLine = options.maxLineBytes ?? MAX_LINE_BYTES;
    this.#edge = Math.min(EDGE_BYTES, Math.ceil(this.#maxLine / 4));
    this.#buffer = Buffer.allocUnsafe(options.chunkBytes ?? CHUNK_BYTES);
    this.#line = {
      buffer: this.#buffer,
      from: 0,
      to: 0,
      number: 0,
      start: 0,
      end: 0,
      terminated: true,
      tail: undefined,
    };
  }

  async run(): Promise<ScanResult> {
    while (true) {
      const before = this.#filled;
      if (!(await this.#read())) break;
      const rest = this.#emitLines(before);
      if (rest > 0) this.#keepRest(rest);
      else if (this.#filled === this.#buffer.length && !(await this.#makeRoom())) break;
    }
    if (this.#filled > 0) this.#emit(0, this.#filled, false);
    return { bytes: this.#offset + this.#filled, lines: this.#line.number };
  }

  /** Fills the rest of the buffer; false at the end of the file. */
  async #read(): Promise<boolean> {
    // Reading synchronously is a fifth faster; heartbeats and aborts get their turn in between.
    if (this.#sinceTurn >= TURN_BYTES) {
      this.#sinceTurn = 0;
      await nextTurn();
    }
    this.#signal?.throwIfAborted();
    const bytesRead = readSync(this.#fd, this.#buffer, this.#filled, this.#buffer.length - this.#filled, null);
    this.#filled += bytesRead;
    this.#sinceTurn += bytesRead;
    return bytesRead > 0;
  }

  /** Hands out the complete lines; returns where the incomplete one begins. */
  #emitLines(searchFrom: number): number {
    const data = this.#buffer.subarray(0, this.#filled);
    let start = 0;
    for (let at = data.indexOf(NEWLINE, searchFrom); at !== -1; at = data.indexOf(NEWLINE, start)) {
      this.#emit(start, at, true);
      start = at + 1;
    }
    return start;
  }

  #emit(from: number, to: number, terminated: boolean): void {
    const line = this.#line;
    line.buffer = this.#buffer;
    line.from = from;
    line.to = to;
    line.number++;
    line.start = this.#offset + from;
    line.end = this.#offset + to;
    line.terminated = terminated;
    line.tail = undefined;
    this.#onLine(line);
  }

  #keepRest(rest: number): void {
    this.#buffer.copyWithin(0, rest, this.#filled);
    this.#filled -= rest;
    this.#offset += rest;
  }

  /** A line fills the whole buffer: takes a larger one, or passes over a line that is too long. */
  async #makeRoom(): Promise<boolean> {
    if (this.#buffer.length <= this.#maxLine) {
      const larger = Buffer.allocUnsafe(Math.min(this.#buffer.length * 4, this.#maxLine + 1));
      this.#buffer.copy(larger, 0, 0, this.#filled);
      this.#buffer = larger;
      return true;
    }
    return this.#passOver();
  }

  /** Reads to the end of an oversized line, keeping its two ends; false when the file ended with it. */
  async #passOver(): Promise<boolean> {
    const start = this.#offset;
    const head = Buffer.from(this.#buffer.subarray(0, this.#edge));
    let tail = Buffer.from(this.#buffer.subarray(this.#filled - this.#edge, this.#filled));
    while (true) {
      this.#offset += this.#filled;
      this.#filled = 0;
      if (!(await this.#read())) {
        this.#emitOversized(head, tail, start, this.#offset, false);
        return false;
      }
      const newline = this.#buffer.subarray(0, this.#filled).indexOf(NEWLINE);
      const end = newline === -1 ? this.#filled : newline;
      tail = lastBytes(tail, this.#buffer.subarray(0, end), this.#edge);
      if (newline === -1) continue;
      this.#emitOversized(head, tail, start, this.#offset + newline, true);
      // What follows may hold whole lines, which the next read would not look at again.
      this.#keepRest(newline + 1);
      const rest = this.#emitLines(0);
      if (rest > 0) this.#keepRest(rest);
      return true;
    }
  }

  #emitOversized(head: Buffer, tail: Buffer, start: number, end: number, terminated: boolean): void {
    const line = this.#line;
    line.buffer = head;
    line.from = 0;
    line.to = head.length;
    line.number++;
    line.start = start;
    line.end = end;
    line.terminated = terminated;
    line.tail = tail;
    this.#onLine(line);
  }
}

function lastBytes(before: Buffer, more: Buffer, count: number): Buffer<ArrayBuffer> {
  if (more.length >= count) return Buffer.from(more.subarray(more.length - count));
  return Buffer.concat([before.subarray(Math.max(0, before.length - (count - more.length))), more]);
}
