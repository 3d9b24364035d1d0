import { parseJsonObject } from "#lib/jsonl.ts";
import { readLongOutput } from "./long-output.ts";
import type { RolloutContent } from "./rollout-content.ts";
import { rolloutContent } from "./rollout-content.ts";
import type { ScannedLine } from "./scan-lines.ts";

type Output = Extract<RolloutContent, { type: "output" }>;

/** How much of an output is decoded at once: its header, which says how the command ended. */
const HEAD_BYTES = 320;
/** Keys before the output's text, with ids of any length. */
const KEYS_BYTES = 384;
/** Outputs longer than this are decoded at their ends only. */
const LONG_BYTES = 48 << 10;

const CALL_ID = '"call_id":"';
const OUTPUT = '"output":"';

/**
 * A tool output of which only the head is decoded; most are never looked at further. Undefined when the line is in
 * another layout than both released versions write. `text` may be called only while the line is at hand.
 */
export function lazyOutput(line: ScannedLine): Output | undefined {
  const start = line.buffer.toString("latin1", line.from, Math.min(line.to, line.from + KEYS_BYTES));
  const callAt = start.indexOf(CALL_ID);
  const outputAt = start.indexOf(OUTPUT);
  if (callAt === -1 || outputAt < callAt) return undefined;
  const callId = start.slice(callAt + CALL_ID.length, start.indexOf('"', callAt + CALL_ID.length));
  const from = line.from + outputAt + OUTPUT.length;
  const head = plainHeader(start, outputAt + OUTPUT.length) ?? decodedHead(line.buffer, from, line.to);
  return head === undefined ? undefined : { type: "output", callId, head, text: () => wholeText(line, head) };
}

function wholeText(line: ScannedLine, head: string): string {
  const long = line.tail !== undefined || line.to - line.from > LONG_BYTES;
  const ends = long ? readLongOutput(line) : undefined;
  if (ends !== undefined) return ends.text;
  const payload = parseJsonObject(line.buffer.subarray(line.from, line.to))?.payload;
  const content = payload === undefined ? undefined : rolloutContent(payload as Record<string, unknown>);
  return content?.type === "output" ? content.text() : head;
}

const HEADER_END = "Output:\\n";

/** The header of a command's output when line breaks are all that is escaped in it, which is the rule. */
function plainHeader(start: string, from: number): string | undefined {
  const end = start.indexOf(HEADER_END, from);
  if (end === -1) return undefined;
  const header = start.slice(from, end + HEADER_END.length).replaceAll("\\n", "\n");
  return /^[\n -!#-[\]-~]*$/.test(header) ? header : undefined;
}

/** The first characters of a JSON string; undefined for a string that is broken. */
function decodedHead(buffer: Buffer, from: number, lineEnd: number): string | undefined {
  const end = Math.min(lineEnd, from + HEAD_BYTES);
  const bytes = buffer.subarray(from, end);
  const close = closingQuote(bytes);
  const to = close === -1 ? beforeEscape(bytes) : close;
  try {
    const value: unknown = JSON.parse(`"${bytes.toString("utf8", 0, to)}"`);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

const QUOTE = 34;
const BACKSLASH = 92;

function closingQuote(bytes: Buffer): number {
  for (let at = bytes.indexOf(QUOTE); at !== -1; at = bytes.indexOf(QUOTE, at + 1)) {
    let slashes = 0;
    while (bytes[at - 1 - slashes] === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return at;
  }
  return -1;
}

/** Where a piece may end without cutting an escape or a character. */
function beforeEscape(bytes: Buffer): number {
  const last = bytes.lastIndexOf(BACKSLASH);
  let end = last !== -1 && bytes.length - last < 14 ? last : bytes.length;
  while (end > 0 && bytes[end - 1] === BACKSLASH) end--;
  // A lone half of a surrogate pair before the cut is decoded as such and harms nothing.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return end;
}
