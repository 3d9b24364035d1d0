import { closeSync, openSync, readSync } from "node:fs";
import { open } from "node:fs/promises";

const NEWLINE = 10;
const CHUNK_BYTES = 1 << 20;

/** One line of a file without its newline. */
export interface FileLine {
  /** A view that is only valid until the next batch is asked for. */
  bytes: Buffer;
  /** False for a last line without newline: it may be torn, or another process is still writing it. */
  terminated: boolean;
}

/**
 * The lines of a file in batches, one batch per chunk read: memory stays at one chunk plus the longest
 * line. Lines that are empty or only blanks are left out. Throws the system error when the file cannot be read.
 */
export async function* readLineBatches(
  path: string,
  options: { signal?: AbortSignal; chunkBytes?: number } = {},
): AsyncGenerator<readonly FileLine[]> {
  const file = await open(path, "r");
  try {
    const splitter = new LineSplitter();
    const chunk = Buffer.allocUnsafe(options.chunkBytes ?? CHUNK_BYTES);
    while (true) {
      options.signal?.throwIfAborted();
      const { bytesRead } = await file.read(chunk, 0, chunk.length, null);
      if (bytesRead === 0) break;
      const lines = splitter.push(chunk.subarray(0, bytesRead));
      if (lines.length > 0) yield lines;
    }
    const rest = splitter.end();
    if (rest) yield [rest];
  } finally {
    await file.close();
  }
}

/** Splits chunks into lines; the pieces of a line longer than a chunk are joined once, when it ends. */
class LineSplitter {
  #pieces: Buffer[] = [];

  push(chunk: Buffer): FileLine[] {
    const lines: FileLine[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const tail = chunk.subarray(start, end);
      const bytes = this.#pieces.length === 0 ? tail : Buffer.concat([...this.#pieces, tail]);
      this.#pieces = [];
      if (!isBlank(bytes)) lines.push({ bytes, terminated: true });
      start = end + 1;
    }
    // The chunk's memory is reused for the next read, so what stays must be copied.
    if (start < chunk.length) this.#pieces.push(Buffer.from(chunk.subarray(start)));
    return lines;
  }

  end(): FileLine | undefined {
    const bytes = Buffer.concat(this.#pieces);
    return isBlank(bytes) ? undefined : { bytes, terminated: false };
  }
}

function isBlank(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte !== 32 && byte !== 13 && byte !== 9) return false;
  return true;
}

/**
 * The first lines of a file, reading no more than needed: stops after `maxLines` lines or `maxBytes` bytes
 * (a line cut by that limit is left out). Throws the system error when the file cannot be read.
 */
export function readFirstLines(path: string, options: { maxLines: number; maxBytes: number }): string[] {
  const fd = openSync(path, "r");
  try {
    let bytes = Buffer.alloc(0);
    let step = 1 << 14;
    while (bytes.length < options.maxBytes && countNewlines(bytes) < options.maxLines) {
      const piece = Buffer.allocUnsafe(Math.min(step, options.maxBytes - bytes.length));
      const read = readSync(fd, piece, 0, piece.length, bytes.length);
      if (read === 0) return completeLines(Buffer.concat([bytes, Buffer.from("\n")]), options.maxLines);
      bytes = Buffer.concat([bytes, piece.subarray(0, read)]);
      step *= 4;
    }
    return completeLines(bytes, options.maxLines);
  } finally {
    closeSync(fd);
  }
}

function countNewlines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) count++;
  return count;
}

function completeLines(bytes: Buffer, maxLines: number): string[] {
  const end = bytes.lastIndexOf(NEWLINE);
  if (end === -1) return [];
  const lines = bytes.toString("utf8", 0, end).split("\n");
  return lines.filter((line) => line.trim() !== "").slice(0, maxLines);
}

/** The JSON object a line holds, or undefined when it is anything else. Invalid UTF-8 becomes U+FFFD. */
export function parseJsonObject(line: string | Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(typeof line === "string" ? line : line.toString("utf8"));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a value is a JSON object (not null, not an array). */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The parsed text, or undefined when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A value as one line of `wellFormedJson`, with its newline. */
export function toJsonLine(value: unknown): string {
  return `${wellFormedJson(value)}\n`;
}

/**
 * A value as JSON in which half surrogate pairs, which text cut at a UTF-16 boundary can contain and strict
 * readers refuse, are U+FFFD.
 */
export function wellFormedJson(value: unknown): string {
  const json = JSON.stringify(value);
  // JSON.stringify writes a \ud… escape only for a half pair; "\\\\" is matched so that text that merely spells one is kept.
  return json.includes("\\ud")
    ? json.replace(/\\(?:\\|u(d[89a-f][0-9a-f]{2}))/g, (match, half) => (half === undefined ? match : "\\ufffd"))
    : json;
}
