import { closeSync, openSync } from "node:fs";
import { parseTimestamp } from "#lib/clock.ts";
import { isObject, parseJsonObject } from "#lib/jsonl.ts";
import type { SessionMeta } from "#protocol/rollout-item.ts";
import { isContextText } from "#rollout/context-messages.ts";
import { parseRolloutLine } from "#rollout/parse-line.ts";
import { RolloutBytes } from "./rollout-bytes.ts";
import type { MemoryMode } from "./rows.ts";

/** What the index wants to know of a rollout. */
export interface RolloutFacts {
  meta: SessionMeta;
  /** Of the last turn. */
  model: string | null;
  memoryMode: MemoryMode;
  /** As written, uncut; "" when the user has said nothing. */
  firstUserMessage: string;
  /** Milliseconds since the epoch of the last complete line that has a timestamp. */
  updatedAtMs: number | undefined;
  /** End of the last complete line: where the next look may begin. */
  scannedBytes: number;
}

/** What an earlier look found in a file that was only added to since. */
export type EarlierFacts = Pick<RolloutFacts, "model" | "memoryMode" | "firstUserMessage" | "scannedBytes">;

/**
 * Looks at the first `size` bytes of a rollout. The head and the tail are parsed; what lies between is only searched
 * for the two kinds of lines that may change a fact, and with `earlier` not even read. Undefined when the file is no
 * rollout. Throws the system error when it cannot be read.
 */
export function readRolloutFacts(
  path: string,
  options: { size: number; buffer: Buffer; earlier?: EarlierFacts },
): RolloutFacts | undefined {
  const fd = openSync(path, "r");
  try {
    const bytes = new RolloutBytes(fd, options.size, options.buffer);
    return factsOf(bytes, options.earlier);
  } finally {
    closeSync(fd);
  }
}

function factsOf(bytes: RolloutBytes, given: EarlierFacts | undefined): RolloutFacts | undefined {
  const earlier = given !== undefined && continues(bytes, given.scannedBytes) ? given : undefined;
  const head = readHead(bytes, earlier?.firstUserMessage ?? "");
  if (head.meta === undefined) return undefined;
  const changes = searchChanges(bytes, earlier?.scannedBytes ?? 0);
  const began = earlier?.memoryMode ?? memoryMode(head.meta.memory_mode) ?? "enabled";
  const end = bytes.previousNewline(bytes.size) + 1;
  return {
    meta: head.meta,
    model: lastModel(bytes, changes.turnContexts) ?? earlier?.model ?? null,
    memoryMode: lastMode(bytes, changes.memoryModes, began, head.meta.id),
    firstUserMessage: head.firstUserMessage,
    updatedAtMs: lastTimestamp(bytes, end),
    scannedBytes: end,
  };
}

/** Whether the file still has a line end where the earlier look ended. */
function continues(bytes: RolloutBytes, scanned: number): boolean {
  return scanned > 0 && scanned <= bytes.size && bytes.slice(scanned - 1, scanned)[0] === 10;
}

/** Lines before the first `session_meta` that are forgiven. */
const META_LINES = 8;
/** How far after a user's item its event, which says it better, is still looked for. */
const EVENT_LINES = 64;

function readHead(bytes: RolloutBytes, known: string): { meta: SessionMeta | undefined; firstUserMessage: string } {
  let meta: SessionMeta | undefined;
  let [candidate, candidateLine] = ["", 0];
  for (let start = 0, line = 0; start < bytes.size; line++) {
    const newline = bytes.nextNewline(start);
    const end = newline === -1 ? bytes.size : newline;
    const text = bytes.text({ start, end });
    start = end + 1;
    if (meta === undefined) {
      if (line >= META_LINES) break;
      meta = metaOf(text);
      continue;
    }
    if (known !== "") break;
    const said = text === undefined ? undefined : userText(text);
    if (said?.kind === "event") return { meta, firstUserMessage: said.text };
    if (said?.kind === "item" && candidate === "") [candidate, candidateLine] = [said.text, line];
    if (candidate !== "" && line - candidateLine > EVENT_LINES) break;
  }
  return { meta, firstUserMessage: known === "" ? candidate : known };
}

function metaOf(text: string | undefined): SessionMeta | undefined {
  const record = text === undefined ? undefined : parseRolloutLine(text).record;
  return record?.type === "session_meta" ? record.meta : undefined;
}

/** What a line says in the user's name, by an event or by an item of the conversation. */
function userText(line: string): { kind: "event" | "item"; text: string } | undefined {
  if (!/"(?:user_message|UserMessage|user)"/.test(line)) return undefined;
  const object = parseJsonObject(line);
  if (object === undefined || !isObject(object.payload)) return undefined;
  const { payload } = object;
  if (object.type === "event_msg") return eventText(payload);
  if (object.type !== "response_item" || payload.type !== "message" || payload.role !== "user") return undefined;
  const text = contentText(payload.content);
  return text.trim() === "" || isContextText(text) ? undefined : { kind: "item", text };
}

function eventText(payload: Record<string, unknown>): { kind: "event"; text: string } | undefined {
  const item = isObject(payload.item) && payload.item.type === "UserMessage" ? payload.item : undefined;
  const text = payload.type === "user_message" ? payload.message : item && contentText(item.content);
  return typeof text === "string" && text.trim() !== "" && !isContextText(text) ? { kind: "event", text } : undefined;
}

function contentText(content: unknown): string {
  if (!Array.isArray(content)) return "";
  return content
    .flatMap((part: unknown) => (isObject(part) && typeof part.text === "string" ? [part.text] : []))
    .join("\n");
}

// As raw bytes these stand only in the structure of a line: quoted inside a text they would be escaped.
const MEMORY_MODE = Buffer.from('"memory_mode"');
const TURN_CONTEXT = Buffer.from('"turn_context"');
/** Matches kept of the last kind, in case the newest is not what it looks like. */
const KEPT_CONTEXTS = 4;

/** Where lines that may change a fact are, in order. */
function searchChanges(bytes: RolloutBytes, from: number): { memoryModes: number[]; turnContexts: number[] } {
  const memoryModes = new Set<number>();
  let turnContexts: number[] = [];
  bytes.eachBlock(from, (block, offset) => {
    for (let at = block.indexOf(MEMORY_MODE); at !== -1; at = block.indexOf(MEMORY_MODE, at + 1))
      memoryModes.add(offset + at);
    const last: number[] = [];
    let at = block.lastIndexOf(TURN_CONTEXT);
    while (at !== -1 && last.length < KEPT_CONTEXTS) {
      last.unshift(offset + at);
      at = at === 0 ? -1 : block.lastIndexOf(TURN_CONTEXT, at - 1);
    }
    turnContexts = [...turnContexts, ...last].slice(-KEPT_CONTEXTS);
  });
  return { memoryModes: [...memoryModes].sort((a, b) => a - b), turnContexts };
}

function lastModel(bytes: RolloutBytes, offsets: readonly number[]): string | undefined {
  for (const offset of [...offsets].reverse()) {
    const line = objectAround(bytes, offset);
    if (line?.type !== "turn_context" || !isObject(line.payload)) continue;
    if (typeof line.payload.model === "string" && line.payload.model !== "") return line.payload.model;
  }
  return undefined;
}

/** A mode is changed by an event, or by the session's own first record written again. */
function lastMode(bytes: RolloutBytes, offsets: readonly number[], began: MemoryMode, threadId: string): MemoryMode {
  let mode = began;
  for (const offset of offsets) {
    const line = objectAround(bytes, offset);
    if (line === undefined || !isObject(line.payload)) continue;
    const { payload } = line;
    const own = line.type === "session_meta" && payload.id === threadId;
    const event = line.type === "event_msg" && payload.type === "memory_mode";
    const next = own || event ? memoryMode(payload.memory_mode ?? payload.mode) : undefined;
    if (next !== undefined && mode !== "polluted") mode = next;
  }
  return mode;
}

function memoryMode(value: unknown): MemoryMode | undefined {
  return value === "enabled" || value === "disabled" || value === "polluted" ? value : undefined;
}

function objectAround(bytes: RolloutBytes, offset: number): Record<string, unknown> | undefined {
  const line = bytes.lineAround(offset);
  const text = line === undefined ? undefined : bytes.text(line);
  return text === undefined ? undefined : parseJsonObject(text);
}

/** The timestamp stands first in every line, so that of a long one is read without the rest. */
const TIMESTAMP = /^\s*\{\s*"timestamp"\s*:\s*"([^"]{1,64})"/;
const TIMESTAMP_BYTES = 256;

function lastTimestamp(bytes: RolloutBytes, end: number): number | undefined {
  for (let newline = end - 1; newline >= 0; ) {
    const start = bytes.previousNewline(newline) + 1;
    const head = bytes.slice(start, Math.min(newline, start + TIMESTAMP_BYTES)).toString("utf8");
    const ms = parseTimestamp(TIMESTAMP.exec(head)?.[1] ?? "");
    if (ms !== undefined) return ms;
    newline = start - 1;
  }
  return undefined;
}
