import { closeSync, openSync, readSync } from "node:fs";
import { isObject, parseJsonObject } from "#lib/jsonl.ts";
import type { MemoryInjectionRecord } from "#protocol/rollout-item.ts";

/** One time a session was given memories, as its rollout tells. */
export interface Receipt {
  /** Of the line, ISO 8601. */
  time: string;
  record: MemoryInjectionRecord;
  /** The whole message; undefined when it cannot be found any more. */
  message: string | undefined;
}

const MARK = Buffer.from('"memory_injection"');
const MESSAGE_MARK = Buffer.from('"<memories>\\n');
const BLOCK_BYTES = 1 << 20;
/** Longer lines are outputs of commands, never these records. */
const MAX_LINE_BYTES = 4 << 20;

/** The receipts in a rollout, oldest first. Lines of other kinds are not parsed. Throws the system error. */
export function readReceipts(path: string): Receipt[] {
  const receipts: Receipt[] = [];
  let message: string | undefined;
  for (const line of markedLines(path)) {
    const object = parseJsonObject(line);
    if (object === undefined || !isObject(object.payload)) continue;
    const { payload, timestamp } = object;
    message = memoryText(payload) ?? message;
    if (payload.type !== "memory_injection" || !isReceipt(payload)) continue;
    receipts.push({ time: typeof timestamp === "string" ? timestamp : "", record: payload, message });
  }
  return receipts;
}

/** The memories of a message or of the history a compaction left. */
function memoryText(payload: Record<string, unknown>): string | undefined {
  const messages = Array.isArray(payload.replacement_history) ? payload.replacement_history : [payload];
  for (const message of messages) {
    if (!isObject(message) || message.role !== "developer" || !Array.isArray(message.content)) continue;
    const [part] = message.content as unknown[];
    if (isObject(part) && typeof part.text === "string" && part.text.startsWith("<memories>\n")) return part.text;
  }
  return undefined;
}

function isReceipt(payload: Record<string, unknown>): payload is Record<string, unknown> & MemoryInjectionRecord {
  return typeof payload.bytes === "number" && Array.isArray(payload.sections) && isObject(payload.other_projects);
}

function* markedLines(path: string): Generator<Buffer> {
  const fd = openSync(path, "r");
  try {
    let rest = Buffer.alloc(0);
    let skipping = false;
    while (true) {
      const block = Buffer.allocUnsafe(BLOCK_BYTES);
      const got = readSync(fd, block, 0, BLOCK_BYTES, null);
      if (got === 0) break;
      const bytes = Buffer.concat([rest, block.subarray(0, got)]);
      const end = bytes.lastIndexOf(10) + 1;
      if (!skipping && end > 0) yield* linesWithMark(bytes.subarray(0, end));
      else if (end > 0) yield* linesWithMark(bytes.subarray(bytes.indexOf(10) + 1, end));
      skipping = end === 0 && (skipping || bytes.length > MAX_LINE_BYTES);
      rest = skipping ? Buffer.alloc(0) : Buffer.from(bytes.subarray(end));
    }
    yield* linesWithMark(rest);
  } finally {
    closeSync(fd);
  }
}

function* linesWithMark(bytes: Buffer): Generator<Buffer> {
  for (let at = nextMark(bytes, 0); at !== -1; ) {
    const start = bytes.lastIndexOf(10, at) + 1;
    const newline = bytes.indexOf(10, at);
    const end = newline === -1 ? bytes.length : newline;
    yield bytes.subarray(start, end);
    at = nextMark(bytes, end);
  }
}

function nextMark(bytes: Buffer, from: number): number {
  const found = [bytes.indexOf(MARK, from), bytes.indexOf(MESSAGE_MARK, from)].filter((at) => at !== -1);
  return found.length === 0 ? -1 : Math.min(...found);
}
