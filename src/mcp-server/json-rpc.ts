import type { CappedLine } from "#lib/capped-lines.ts";
import { isObject } from "#lib/jsonl.ts";

/** What names a request and its answer. Whole numbers only. */
export type RequestId = string | number;

/** One message of the client. */
export type Incoming =
  | { type: "request"; id: RequestId; method: string; params: unknown }
  | { type: "notification"; method: string; params: unknown }
  | { type: "result"; id: RequestId; result: unknown }
  | { type: "error"; id: RequestId; message: string }
  /** Nothing that can be answered; `id` is known of a request that was too long to be read. */
  | { type: "invalid"; reason: string; id?: RequestId };

/** The codes of JSON-RPC 2.0. */
export const INVALID_REQUEST = -32600;
export const METHOD_NOT_FOUND = -32601;
export const INVALID_PARAMS = -32602;
export const INTERNAL_ERROR = -32603;

/** An answer that is an error. */
export interface RpcError {
  code: number;
  message: string;
  data?: unknown;
}

/** A mark that some programs begin their output with. */
const BYTE_ORDER_MARK = "\ufeff";

/**
 * Reads one line as a JSON-RPC 2.0 message. Batches are none: MCP has no use for them. Whoever asked must not wait for
 * an answer that has come already: what names a request and is no proper answer to it is an error.
 */
export function parseMessage(line: CappedLine): Incoming {
  if (line.type === "too_long") return tooLong(line);
  let message: unknown;
  try {
    message = JSON.parse(line.text.startsWith(BYTE_ORDER_MARK) ? line.text.slice(1) : line.text);
  } catch {
    return { type: "invalid", reason: "this line is not JSON" };
  }
  if (isObject(message) && message.jsonrpc === "2.0") return parseObject(message);
  const reason = 'this is no object with "jsonrpc": "2.0"';
  if (isObject(message) && isRequestId(message.id) && message.method === undefined) {
    return { type: "error", id: message.id, message: reason };
  }
  return { type: "invalid", reason };
}

function parseObject(message: Record<string, unknown>): Incoming {
  const { id, method, params } = message;
  if (id !== undefined && !isRequestId(id)) return { type: "invalid", reason: "id is neither a string nor an integer" };
  if (typeof method === "string") {
    return id === undefined ? { type: "notification", method, params } : { type: "request", id, method, params };
  }
  if (id === undefined) return { type: "invalid", reason: "there is neither a method nor an id" };
  if (message.result !== undefined) return { type: "result", id, result: message.result };
  if (method !== undefined && method !== null) return { type: "invalid", reason: "method is no text" };
  return { type: "error", id, message: isObject(message.error) ? String(message.error.message ?? "") : "" };
}

export function isRequestId(value: unknown): value is RequestId {
  return typeof value === "string" || (typeof value === "number" && Number.isSafeInteger(value));
}

const ID = String.raw`"id":(-?\d{1,15}|"[^"\\]*")`;
/** Where clients put the id: in front, or behind everything else. Elsewhere it could be one inside the parameters. */
const FIRST_ID = new RegExp(String.raw`^\{(?:"jsonrpc":"2\.0",)?${ID},`);
const LAST_ID = new RegExp(String.raw`,${ID}(?:,"jsonrpc":"2\.0")?\}\s*$`);

/** Whoever sent a request waits for an answer, also to one that cannot be read. */
function tooLong({ head, tail }: { head: string; tail: string }): Incoming {
  const reason = "this message is too long";
  const text = FIRST_ID.exec(head)?.[1] ?? LAST_ID.exec(tail)?.[1];
  return text === undefined
    ? { type: "invalid", reason }
    : { type: "invalid", reason, id: JSON.parse(text) as RequestId };
}
