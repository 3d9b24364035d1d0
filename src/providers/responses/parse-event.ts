import { parseJson } from "#lib/jsonl.ts";
import { cacheWrites, type TokenUsage } from "#protocol/usage.ts";
import { failureOfIncomplete, failureOfResponseError } from "../errors.ts";
import { isObject, type JsonObject, numberOf, textOf } from "../json-value.ts";
import type { ModelEvent } from "../model-client.ts";
import { parseItem } from "./parse-item.ts";

/**
 * The event in the data of one server-sent event, or undefined for what carries nothing for us: unknown
 * types, data that is not JSON, items that cannot be used (as tolerant as 0.101).
 */
export function parseEvent(data: string): ModelEvent | undefined {
  const quick = plainTextDelta(data);
  if (quick !== undefined) return quick;
  const event = parseJson(data);
  if (!isObject(event)) return undefined;
  switch (event.type) {
    case "response.output_text.delta":
      return delta(event, (itemId, text) => ({ type: "text_delta", itemId, delta: text }));
    case "response.reasoning_summary_text.delta":
      return reasoningDelta(event, { index: event.summary_index, raw: false });
    case "response.reasoning_text.delta":
      return reasoningDelta(event, { index: event.content_index, raw: true });
    case "response.created":
      return { type: "created" };
    case "response.output_item.added":
      return itemEvent("item_added", event);
    case "response.output_item.done":
      return itemEvent("item_done", event);
    case "response.completed":
      return completedEvent(event.response);
    case "response.failed":
      return { type: "failed", failure: failureOfResponseError(responseOf(event).error) };
    case "response.incomplete":
      return { type: "failed", failure: failureOfIncomplete(responseOf(event).incomplete_details) };
    default:
      return undefined;
  }
}

const BACKSLASH = 92;
const DELTA_PREFIX = '{"type":"response.output_text.delta",';
const ITEM_ID_KEY = ',"item_id":"';
const DELTA_KEY = ',"delta":"';

/**
 * The commonest event by far, read without parsing the whole object, which halves what a stream costs.
 * Inside a JSON string a quote is escaped, so these keys cannot be part of a value. Anything that does not
 * look exactly as servers send it (spaces, another key order, escapes in the id) takes the long way.
 */
function plainTextDelta(data: string): ModelEvent | undefined {
  if (!data.startsWith(DELTA_PREFIX) || !data.endsWith("}")) return undefined;
  const idStart = after(data, ITEM_ID_KEY, DELTA_PREFIX.length - 1);
  const idEnd = data.indexOf('"', idStart);
  const start = after(data, DELTA_KEY, idEnd);
  const end = data.indexOf('"', start);
  if (idStart === -1 || idEnd === -1 || start === -1 || end === -1) return undefined;
  const itemId = data.slice(idStart, idEnd);
  if (itemId.includes("\\")) return undefined;
  const plain = data.slice(start, end);
  const delta = plain.includes("\\") ? escapedString(data, start) : plain;
  return delta === undefined ? undefined : { type: "text_delta", itemId, delta };
}

/** Where the key, looked for from a position, ends; -1 when it is not there. */
function after(data: string, key: string, from: number): number {
  const at = data.indexOf(key, from);
  return at === -1 ? -1 : at + key.length;
}

/** The string that begins at `start`, after its opening quote, with its escapes undone. */
function escapedString(data: string, start: number): string | undefined {
  let end = data.indexOf('"', start);
  while (end !== -1 && isEscaped(data, end)) end = data.indexOf('"', end + 1);
  return end === -1 ? undefined : textOf(parseJson(data.slice(start - 1, end + 1)));
}

/** Whether an odd number of backslashes stands before the position. */
function isEscaped(data: string, at: number): boolean {
  let before = at;
  while (data.charCodeAt(before - 1) === BACKSLASH) before--;
  return (at - before) % 2 === 1;
}

/** Whether the event ends a stream. */
export function isTerminal(event: ModelEvent): boolean {
  return event.type === "completed" || event.type === "failed";
}

function delta(event: JsonObject, build: (itemId: string, text: string) => ModelEvent): ModelEvent | undefined {
  const text = event.delta;
  return typeof text === "string" ? build(textOf(event.item_id) ?? "", text) : undefined;
}

function reasoningDelta(event: JsonObject, { index, raw }: { index: unknown; raw: boolean }): ModelEvent | undefined {
  const at = numberOf(index) ?? 0;
  return delta(event, (itemId, text) => ({ type: "reasoning_delta", itemId, index: at, delta: text, raw }));
}

function itemEvent(type: "item_added" | "item_done", event: JsonObject): ModelEvent | undefined {
  const item = parseItem(event.item);
  return item === undefined ? undefined : { type, item, outputIndex: numberOf(event.output_index) ?? 0 };
}

function responseOf(event: JsonObject): JsonObject {
  const response = event.response;
  return isObject(response) ? response : {};
}

/** A `response.completed` without the response is not an end: the server may have cut it. */
function completedEvent(response: unknown): ModelEvent | undefined {
  if (!isObject(response)) return undefined;
  return { type: "completed", responseId: textOf(response.id) ?? "", usage: usageOf(response.usage) };
}

function usageOf(usage: unknown): TokenUsage | null {
  if (!isObject(usage)) return null;
  const input = numberOf(usage.input_tokens) ?? 0;
  const output = numberOf(usage.output_tokens) ?? 0;
  return {
    input_tokens: input,
    cached_input_tokens: detail(usage.input_tokens_details, "cached_tokens"),
    ...cacheWrites(detail(usage.input_tokens_details, "cache_write_tokens")),
    output_tokens: output,
    reasoning_output_tokens: detail(usage.output_tokens_details, "reasoning_tokens"),
    total_tokens: numberOf(usage.total_tokens) ?? input + output,
  };
}

function detail(details: unknown, key: string): number {
  return isObject(details) ? (numberOf(details[key]) ?? 0) : 0;
}
