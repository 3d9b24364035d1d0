import type { ScannedLine } from "./scan-lines.ts";

/** What the first bytes of a rollout line say, without parsing it. */
export interface LineHead {
  /** As stored; "" when the line has none. */
  timestamp: string;
  type: string;
  /** `type` of the payload; "" when it is not the payload's first key. */
  payloadType: string;
  /** `role` of a message; "" for everything else. */
  role: string;
  /** For a 0.169 `item_completed` event: the item's type; else "". */
  itemType: string;
}

/** Enough for the timestamp, the types and, in 0.169, an item id or two turn ids before the role or item type. */
const HEAD_BYTES = 256;

const START = '{"timestamp":"';
const ORDINAL = ',"ordinal":';
const TYPE = ',"type":"';
const PAYLOAD = ',"payload":{"type":"';
const ROLE = '"role":"';
const ITEM = '"item":{"type":"';

/** Reads the head of a line in the layout that 0.101 and 0.169 write; undefined for any other layout. */
export function readLineHead(line: ScannedLine): LineHead | undefined {
  const text = line.buffer.toString("latin1", line.from, Math.min(line.to, line.from + HEAD_BYTES));
  if (!text.startsWith(START)) return undefined;
  const timestamp = wordAt(text, START.length);
  if (timestamp === undefined) return undefined;
  const typeStart = afterOrdinal(text, START.length + timestamp.length + 1);
  if (!text.startsWith(TYPE, typeStart)) return undefined;
  const type = wordAt(text, typeStart + TYPE.length);
  if (type === undefined) return undefined;
  const payload = typeStart + TYPE.length + type.length + 1;
  const payloadType = text.startsWith(PAYLOAD, payload) ? (wordAt(text, payload + PAYLOAD.length) ?? "") : "";
  return {
    timestamp,
    type,
    payloadType,
    role: payloadType === "message" ? wordAfter(text, ROLE, payload) : "",
    itemType: payloadType === "item_completed" ? wordAfter(text, ITEM, payload) : "",
  };
}

function wordAt(text: string, start: number): string | undefined {
  const end = text.indexOf('"', start);
  return end === -1 ? undefined : text.slice(start, end);
}

function wordAfter(text: string, key: string, from: number): string {
  const at = text.indexOf(key, from);
  return at === -1 ? "" : (wordAt(text, at + key.length) ?? "");
}

function afterOrdinal(text: string, at: number): number {
  if (!text.startsWith(ORDINAL, at)) return at;
  let end = at + ORDINAL.length;
  while (text.charCodeAt(end) >= 48 && text.charCodeAt(end) <= 57) end++;
  return end;
}
