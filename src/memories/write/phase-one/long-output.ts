import type { ScannedLine } from "./scan-lines.ts";

/** A tool output of which only both ends were read. */
export interface LongOutput {
  callId: string;
  /** Head, a mark with the number of bytes in between, tail. */
  text: string;
}

/** What is decoded of either end. */
const EDGE_BYTES = 8 << 10;

const CALL_ID = '"call_id":"';
const OUTPUT = '"output":"';

/**
 * Reads a long `function_call_output` or `custom_tool_call_output` line without decoding its middle. Undefined
 * when the line is in another layout (an output of content parts, keys in another order).
 */
export function readLongOutput(line: ScannedLine): LongOutput | undefined {
  const head = line.buffer.toString("utf8", line.from, Math.min(line.to, line.from + EDGE_BYTES + 1024));
  const callAt = head.indexOf(CALL_ID);
  const outputAt = head.indexOf(OUTPUT);
  if (callAt === -1 || outputAt < callAt || outputAt > 1024) return undefined;
  const callId = head.slice(callAt + CALL_ID.length, head.indexOf('"', callAt + CALL_ID.length));
  const tailBytes = line.tail ?? line.buffer.subarray(Math.max(line.from, line.to - EDGE_BYTES - 1024), line.to);
  const first = decodeHead(head.slice(outputAt + OUTPUT.length, outputAt + OUTPUT.length + EDGE_BYTES));
  const last = decodeTail(stringPart(tailBytes.toString("utf8", Math.max(0, tailBytes.length - EDGE_BYTES - 1024))));
  const left = Math.max(0, line.end - line.start - 2 * EDGE_BYTES);
  return { callId, text: `${first}\n…${left} bytes left out…\n${last}` };
}

/** The end of the output's string: what later versions store after it is cut off. */
function stringPart(tail: string): string {
  const marks = ['","internal_chat_message_metadata_passthrough"', '"},"metadata"', '"}}'];
  const ends = marks.map((mark) => tail.lastIndexOf(mark)).filter((at) => at !== -1);
  return ends.length === 0 ? tail : tail.slice(0, Math.min(...ends));
}

function decodeHead(escaped: string): string {
  for (let cut = 0; cut < 12; cut++) {
    const text = unescaped(escaped.slice(0, escaped.length - cut));
    if (text !== undefined) return text;
  }
  return "";
}

function decodeTail(escaped: string): string {
  for (let cut = 0; cut < 12; cut++) {
    const text = unescaped(escaped.slice(cut));
    if (text !== undefined) return text;
  }
  return "";
}

function unescaped(piece: string): string | undefined {
  try {
    const value: unknown = JSON.parse(`"${piece}"`);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
