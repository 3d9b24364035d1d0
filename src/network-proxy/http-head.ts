/** Bytes of a request's or response's head, the empty line included. */
export const MAX_HEAD_BYTES = 65_536;
/** Lines of one head; no client sends a tenth. */
const MAX_FIELDS = 1000;

export type Field = readonly [name: string, value: string];

/** Header fields in their order; a byte above 127 is the Latin-1 character of that number. */
export interface Fields {
  readonly fields: readonly Field[];
}

export interface RequestHead extends Fields {
  readonly method: string;
  readonly target: string;
  readonly minor: 0 | 1;
}

export interface ResponseHead extends Fields {
  readonly status: number;
  readonly reason: string;
  readonly minor: 0 | 1;
}

/** A message that is not HTTP, or not only one message to every reader. */
export class BadMessage extends Error {
  /** What a client that sent it is answered with. */
  readonly status: 400 | 431 | 501 | 505;

  constructor(status: BadMessage["status"], message: string) {
    super(message);
    this.name = "BadMessage";
    this.status = status;
  }
}

/**
 * Where the head that `bytes` begin with ends, or undefined when it has not ended yet. Only CRLF ends a line: a lone
 * CR or LF would be a line's end to some readers and not to others. `from` is where the search may begin: a line's
 * end before it has been looked at. Throws BadMessage.
 */
export function headEnd(bytes: Uint8Array, from = 0): number | undefined {
  let at = Math.max(0, from);
  for (;;) {
    at = bytes.indexOf(LF, at);
    if (at === -1) break;
    if (at === 0 || bytes[at - 1] !== CR) throw new BadMessage(400, "a line of the head does not end with CR LF");
    if (at === 1) throw new BadMessage(400, "the message begins with an empty line");
    if (at >= 3 && bytes[at - 2] === LF) return checkedEnd(at + 1);
    at += 1;
  }
  checkedEnd(bytes.length);
  return undefined;
}

/** Reads a request's head, its last empty line included. Throws BadMessage. */
export function parseRequestHead(bytes: Uint8Array): RequestHead {
  const { first, fields } = split(bytes);
  const [, method = "", target = "", version = ""] = /^([^ ]+) ([^ ]+) HTTP\/(\d\.\d)$/.exec(first) ?? [];
  if (!TOKEN.test(method) || !/^[!-~]+$/.test(target)) throw new BadMessage(400, "the request line is malformed");
  return { method, target, minor: minorOf(version), fields };
}

/** Reads a response's head, its last empty line included. Throws BadMessage. */
export function parseResponseHead(bytes: Uint8Array): ResponseHead {
  const { first, fields } = split(bytes);
  const [, version = "", status = "", reason = ""] = /^HTTP\/(\d\.\d) ([1-9]\d\d)(?: (.*))?$/.exec(first) ?? [];
  if (status === "" || UNPRINTABLE.test(reason)) throw new BadMessage(400, "the status line is malformed");
  return { status: Number(status), reason, minor: minorOf(version), fields };
}

/** The values of every field of this (lower-case) name. */
export function valuesOf(head: Fields, name: string): string[] {
  return head.fields.filter(([field]) => field.toLowerCase() === name).map(([, value]) => value);
}

/** The members of a comma-separated field, lower case. */
export function listOf(head: Fields, name: string): string[] {
  return valuesOf(head, name)
    .flatMap((value) => value.split(","))
    .map((member) => member.trim().toLowerCase())
    .filter((member) => member !== "");
}

/** Fields that concern one connection only, of RFC 9110 and of older proxies; framing is ours to write. */
const HOP_BY_HOP = new Set([
  "connection",
  "content-length",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** The fields that are passed on: without those of this connection and those `Connection` names. */
export function endToEnd(head: Fields): Field[] {
  const named = new Set(listOf(head, "connection"));
  return head.fields.filter(([name]) => !HOP_BY_HOP.has(name.toLowerCase()) && !named.has(name.toLowerCase()));
}

/** A head as bytes, its last empty line included. */
export function formatHead(first: string, fields: readonly Field[]): Buffer {
  return Buffer.from(`${first}\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`, "latin1");
}

const CR = 13;
const LF = 10;
/** RFC 9110 `token`. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i;
const UNPRINTABLE = /[^\t\x20-\x7e\x80-\xff]/;

function checkedEnd(length: number): number {
  if (length > MAX_HEAD_BYTES) throw new BadMessage(431, `the head is longer than ${MAX_HEAD_BYTES} bytes`);
  return length;
}

function split(bytes: Uint8Array): { first: string; fields: Field[] } {
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1").split("\r\n");
  if (lines.length > MAX_FIELDS) throw new BadMessage(431, `the head has more than ${MAX_FIELDS} lines`);
  const [first = "", ...rest] = lines;
  // The head ends with two line ends, so two empty texts come last.
  return { first, fields: rest.slice(0, -2).map(parseField) };
}

function parseField(line: string): Field {
  if (/^[ \t]/.test(line)) throw new BadMessage(400, "a header field is folded over several lines");
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(0, colon));
  const value = withoutBlanks(line.slice(colon + 1));
  if (!TOKEN.test(name)) throw new BadMessage(400, "a header field has no proper name");
  if (UNPRINTABLE.test(value)) throw new BadMessage(400, "a header field has a control character");
  return [name, value];
}

/** Without the blanks around it. A pattern for those at the end would begin anew at each blank of a long gap. */
function withoutBlanks(text: string): string {
  const isBlank = (at: number) => text[at] === " " || text[at] === "\t";
  let [start, end] = [0, text.length];
  while (start < end && isBlank(start)) start++;
  while (end > start && isBlank(end - 1)) end--;
  return text.slice(start, end);
}

function minorOf(version: string): 0 | 1 {
  if (version === "1.1") return 1;
  if (version === "1.0") return 0;
  throw new BadMessage(505, "the HTTP version is neither 1.0 nor 1.1");
}
