const NEWLINE = 10;
/** How much of each end of a line that is too long is kept, in bytes. */
const KEPT_BYTES = 256;

/** A line that came in; of one that is too long only both ends are known. */
export type CappedLine = { type: "line"; text: string } | { type: "too_long"; head: string; tail: string };

/**
 * Splits a stream into lines, holding no more than `maxBytes` of a line: what is longer is dropped as it comes. Invalid
 * UTF-8 becomes U+FFFD; an empty line is a line.
 */
export class CappedLines {
  readonly #maxBytes: number;
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The lines that end in the chunk. The chunk may be reused after the call. */
  push(chunk: Uint8Array): CappedLine[] {
    const lines: CappedLine[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#add(chunk.subarray(start, end));
      lines.push(this.#take());
      start = end + 1;
    }
    // A copy, also of a Buffer, whose own `slice` is none.
    if (start < chunk.length) this.#add(new Uint8Array(chunk.subarray(start)));
    return lines;
  }

  /** What came after the last newline, or undefined when nothing did. */
  end(): CappedLine | undefined {
    return this.#bytes === 0 ? undefined : this.#take();
  }

  #add(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    if (this.#bytes <= this.#maxBytes) return;
    const held = Buffer.concat(this.#pieces);
    const tail = held.subarray(Math.max(KEPT_BYTES, held.length - KEPT_BYTES));
    this.#pieces = [Buffer.concat([held.subarray(0, KEPT_BYTES), tail])];
  }

  #take(): CappedLine {
    const held = Buffer.concat(this.#pieces);
    const isWhole = this.#bytes <= this.#maxBytes;
    this.#pieces = [];
    this.#bytes = 0;
    if (isWhole) return { type: "line", text: held.toString("utf8") };
    return {
      type: "too_long",
      head: held.toString("utf8", 0, KEPT_BYTES),
      tail: held.toString("utf8", Math.max(KEPT_BYTES, held.length - KEPT_BYTES)),
    };
  }
}
