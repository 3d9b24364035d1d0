import { BadMessage, type Fields, listOf, type RequestHead, type ResponseHead, valuesOf } from "./http-head.ts";

/** How a body is delimited. */
export type Framing =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly length: number }
  | { readonly kind: "chunked" }
  /** Responses only: the body ends with the connection. */
  | { readonly kind: "close" };

/** Takes a body out of the bytes of a connection, piece by piece. */
export interface BodyDecoder {
  /** The body's bytes among these. Throws BadMessage. After the body's end everything goes to `rest`. */
  push(bytes: Uint8Array): Uint8Array[];
  readonly done: boolean;
  /** What followed the body in the bytes pushed so far. */
  readonly rest: Uint8Array;
}

/** Throws BadMessage for everything two readers could delimit differently. */
export function requestFraming(head: RequestHead): Framing {
  const codings = listOf(head, "transfer-encoding");
  const lengths = valuesOf(head, "content-length");
  if (codings.length > 0 || valuesOf(head, "transfer-encoding").length > 0) {
    if (lengths.length > 0) throw new BadMessage(400, "both Transfer-Encoding and Content-Length are given");
    if (head.minor === 0) throw new BadMessage(400, "Transfer-Encoding is given in an HTTP/1.0 request");
    return chunked(codings);
  }
  if (lengths.length > 1) throw new BadMessage(400, "Content-Length is given twice");
  return lengths[0] === undefined ? { kind: "none" } : lengthOf(lengths[0]);
}

/** `method` is that of the request. Throws BadMessage as `requestFraming` does; equal lengths may be repeated. */
export function responseFraming(head: ResponseHead, method: string): Framing {
  if (method === "HEAD" || head.status === 204 || head.status === 304 || head.status < 200) return { kind: "none" };
  const lengths = [...new Set(valuesOf(head, "content-length"))];
  if (valuesOf(head, "transfer-encoding").length > 0) {
    if (lengths.length > 0) throw new BadMessage(400, "both Transfer-Encoding and Content-Length are given");
    return chunked(listOf(head, "transfer-encoding"));
  }
  if (lengths.length > 1) throw new BadMessage(400, "Content-Length is given with two values");
  return lengths[0] === undefined ? { kind: "close" } : lengthOf(lengths[0]);
}

/** Whether the sender of this head will use its connection again. */
export function keepsAlive(head: Fields & { readonly minor: 0 | 1 }): boolean {
  const options = [...listOf(head, "connection"), ...listOf(head, "proxy-connection")];
  return !options.includes("close") && (head.minor === 1 || options.includes("keep-alive"));
}

export function bodyDecoder(framing: Framing): BodyDecoder {
  switch (framing.kind) {
    case "none":
      return new LengthDecoder(0);
    case "length":
      return new LengthDecoder(framing.length);
    case "close":
      return new LengthDecoder(Number.POSITIVE_INFINITY);
    case "chunked":
      return new ChunkedDecoder();
  }
}

/** Pieces of a body as one chunk; nothing for no bytes, which would end the body. */
export function encodeChunk(pieces: readonly Uint8Array[]): Uint8Array[] {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return length === 0 ? [] : [Buffer.from(`${length.toString(16)}\r\n`), ...pieces, LINE_END];
}

/** What ends a chunked body; trailers are not passed on. */
export const LAST_CHUNK: Uint8Array = Buffer.from("0\r\n\r\n");

const NOTHING = new Uint8Array();
const LINE_END = Buffer.from("\r\n");
const CR = 13;
const LF = 10;
/** A chunk's size line, or a line of its trailer. */
const MAX_LINE_BYTES = 4096;
const MAX_TRAILER_LINES = 100;

class LengthDecoder implements BodyDecoder {
  #left: number;
  rest: Uint8Array = NOTHING;

  constructor(length: number) {
    this.#left = length;
  }

  get done(): boolean {
    return this.#left === 0;
  }

  push(bytes: Uint8Array): Uint8Array[] {
    const own = bytes.subarray(0, Math.min(bytes.length, this.#left));
    this.rest = joined(this.rest, bytes.subarray(own.length));
    this.#left -= own.length;
    return own.length === 0 ? [] : [own];
  }
}

type ChunkState = "size" | "data" | "data-end" | "trailer" | "done";

/** RFC 9112 section 7.1, with CR LF and nothing else at the end of lines. Extensions and trailers are dropped. */
class ChunkedDecoder implements BodyDecoder {
  #state: ChunkState = "size";
  #left = 0;
  #line = "";
  #trailers = 0;
  rest: Uint8Array = NOTHING;

  get done(): boolean {
    return this.#state === "done";
  }

  push(bytes: Uint8Array): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === "done") {
        this.rest = joined(this.rest, bytes.subarray(at));
        break;
      }
      if (this.#state === "data") {
        const piece = bytes.subarray(at, at + this.#left);
        pieces.push(piece);
        this.#left -= piece.length;
        at += piece.length;
        if (this.#left === 0) this.#state = "data-end";
      } else at = this.#takeLine(bytes, at);
    }
    return pieces;
  }

  /** Reads up to the end of a line; returns where the next one begins. */
  #takeLine(bytes: Uint8Array, from: number): number {
    const end = bytes.indexOf(LF, from);
    const part = bytes.subarray(from, end === -1 ? bytes.length : end + 1);
    if (this.#line.length + part.length > MAX_LINE_BYTES)
      throw new BadMessage(400, "a line between chunks is too long");
    this.#line += Buffer.from(part.buffer, part.byteOffset, part.length).toString("latin1");
    if (end === -1) return bytes.length;
    const line = this.#line;
    this.#line = "";
    if (line.charCodeAt(line.length - 2) !== CR) throw new BadMessage(400, "a line between chunks has no CR LF");
    this.#state = this.#afterLine(line.slice(0, -2));
    return end + 1;
  }

  #afterLine(line: string): ChunkState {
    if (/[^\t\x20-\x7e\x80-\xff]/.test(line)) throw new BadMessage(400, "a control character stands between chunks");
    if (this.#state === "data-end") {
      if (line !== "") throw new BadMessage(400, "a chunk is longer than its size");
      return "size";
    }
    if (this.#state === "trailer") {
      this.#trailers += 1;
      if (this.#trailers > MAX_TRAILER_LINES) throw new BadMessage(400, "there are too many trailers");
      return line === "" ? "done" : "trailer";
    }
    // 13 hex digits stay below 2^53.
    const size = /^([0-9a-f]{1,13})(?:[ \t]*;.*)?$/i.exec(line)?.[1];
    if (size === undefined) throw new BadMessage(400, "a chunk has no proper size");
    this.#left = Number.parseInt(size, 16);
    return this.#left === 0 ? "trailer" : "data";
  }
}

function chunked(codings: readonly string[]): Framing {
  if (codings.length === 1 && codings[0] === "chunked") return { kind: "chunked" };
  throw new BadMessage(501, "Transfer-Encoding is something other than chunked");
}

function lengthOf(text: string): Framing {
  // 15 digits stay below 2^53.
  if (!/^\d{1,15}$/.test(text)) throw new BadMessage(400, "Content-Length is not a number of bytes");
  return { kind: "length", length: Number(text) };
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second;
  return second.length === 0 ? first : Buffer.concat([first, second]);
}
