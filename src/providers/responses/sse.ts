const LF = 10;
const CR = 13;
const SPACE = 32;
/** `data:` */
const FIELD = Buffer.from("data:");
const LETTER_D = 100;
const BYTE_ORDER_MARK = Buffer.from("\uFEFF");

/**
 * Splits a server-sent event stream, fed in arbitrary pieces, into the data of its events. Only data is
 * kept: the Responses API repeats the event name inside it. Bytes may be cut anywhere, also inside a
 * character; invalid UTF-8 becomes U+FFFD. Written here because this loop is most of what a delta costs:
 * lines are found among the bytes, and only those with data become text, each a string of its own, so
 * that a delta which somebody keeps does not keep the whole piece alive.
 */
export class SseSplitter {
  /** Pieces of a line that has not ended yet; joined once it does, so that a long line is copied once. */
  #open: Buffer[] = [];
  #begun = false;
  #endsInCr = false;
  #data: string | undefined;

  /** Calls `onData` with the data of each event that is now complete. */
  feed(bytes: Uint8Array, onData: (data: string) => void): void {
    const piece = this.#withPlainNewlines(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    let end = piece.indexOf(LF);
    let start = 0;
    if (end !== -1 && this.#open.length > 0) {
      this.#open.push(piece.subarray(0, end));
      this.#closeLine(onData);
      start = end + 1;
      end = piece.indexOf(LF, start);
    }
    while (end !== -1) {
      if (end === start) this.#dispatch(onData);
      else if (piece[start] === LETTER_D || !this.#begun) this.#line(piece, start, end);
      start = end + 1;
      end = piece.indexOf(LF, start);
    }
    // The caller may use its memory again, so what stays is copied.
    if (start < piece.length) this.#open.push(Buffer.from(piece.subarray(start)));
  }

  /** The stream is over. An event whose closing blank line is missing counts, as its data may be whole. */
  end(onData: (data: string) => void): void {
    if (this.#open.length > 0) this.#closeLine(onData);
    this.#dispatch(onData);
  }

  /** The line that came in several pieces has ended. */
  #closeLine(onData: (data: string) => void): void {
    const line = Buffer.concat(this.#open);
    this.#open = [];
    if (line.length === 0) this.#dispatch(onData);
    else this.#line(line, 0, line.length);
  }

  /** CRLF and a lone CR end lines too; a CR at the end of a piece may be half of a CRLF. */
  #withPlainNewlines(piece: Buffer): Buffer {
    if (piece.length === 0) return piece;
    const rest = this.#endsInCr && piece[0] === LF ? piece.subarray(1) : piece;
    this.#endsInCr = rest.at(-1) === CR;
    if (!rest.includes(CR)) return rest;
    return Buffer.from(rest.toString("latin1").replace(/\r\n?/g, "\n"), "latin1");
  }

  /** Takes the data of the line between two positions, if it is a data line. */
  #line(bytes: Buffer, lineStart: number, end: number): void {
    let start = lineStart;
    if (!this.#begun) {
      this.#begun = true;
      if (startsWith(bytes, start, end, BYTE_ORDER_MARK)) start += BYTE_ORDER_MARK.length;
    }
    if (startsWith(bytes, start, end, FIELD)) {
      const value = start + FIELD.length;
      this.#addData(bytes.toString("utf8", bytes[value] === SPACE && value < end ? value + 1 : value, end));
    } else if (end - start === 4 && bytes.toString("latin1", start, end) === "data") this.#addData("");
  }

  #addData(value: string): void {
    this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`;
  }

  #dispatch(onData: (data: string) => void): void {
    const data = this.#data;
    if (data === undefined) return;
    this.#data = undefined;
    onData(data);
  }
}

function startsWith(bytes: Buffer, start: number, end: number, prefix: Buffer): boolean {
  if (end - start < prefix.length) return false;
  for (let index = 0; index < prefix.length; index++) if (bytes[start + index] !== prefix[index]) return false;
  return true;
}
