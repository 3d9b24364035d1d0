import type { Event } from "#protocol/events.ts";
import type { FileChange } from "#protocol/file-change.ts";
import { itemToWire, type ResponseItem } from "#protocol/items.ts";
import type { McpCallResult } from "#protocol/mcp.ts";

/** One `msg` of a `codex/event`: the form in which Codex CLI tells what a session does. */
export type EventMsg = { readonly type: string } & Readonly<Record<string, unknown>>;

/** A duration as Rust's serde writes it. */
export function duration(ms: number): { secs: number; nanos: number } {
  const nanos = Math.round(ms * 1e6);
  return { secs: Math.floor(nanos / 1e9), nanos: nanos % 1e9 };
}

/** A history item as the release sends it: without the id the provider gave it. Unknown ones stay as they are. */
export function rawItem(item: ResponseItem): Record<string, unknown> {
  if (item.type === "unknown") return item.raw;
  const { id: _id, ...rest } = itemToWire(item);
  return item.type === "reasoning" ? { content: null, ...rest } : rest;
}

/** Changed files by path. */
export function changesByPath(changes: readonly FileChange[]): Record<string, Record<string, unknown>> {
  return Object.fromEntries(changes.map((change) => [change.path, changeOf(change)]));
}

function changeOf({ kind, diff, movePath }: FileChange): Record<string, unknown> {
  switch (kind) {
    case "add":
      return { type: "add", content: sideOf(diff, "+") };
    case "delete":
      return { type: "delete", content: sideOf(diff, "-") };
    case "update":
      return { type: "update", unified_diff: diff, move_path: movePath ?? null };
  }
}

/** The whole file that the diff of a new or deleted file shows. */
function sideOf(diff: string, sign: "+" | "-"): string {
  let text = "";
  for (const line of diff.split("\n")) {
    if (line.startsWith(sign)) text += `${line.slice(1)}\n`;
    else if (line.startsWith("\\")) text = text.slice(0, -1);
  }
  return text;
}

/** The outcome of an MCP call, as serde writes a `Result`. */
export function mcpResult(result: McpCallResult | null, error: string | null): Record<string, unknown> {
  if (result === null) return { Err: error ?? "" };
  const { content, structuredContent, isError } = result;
  return {
    Ok: {
      content,
      ...(structuredContent === null ? {} : { structuredContent }),
      ...(isError ? { isError } : {}),
    },
  };
}

/** What kind of failure it was, as far as Codex CLI tells them apart. */
export function errorInfo({ message, kind }: Extract<Event, { type: "error" }>): unknown {
  switch (kind) {
    case "context_window":
      return "context_window_exceeded";
    case "usage_limit":
    case "quota":
      return "usage_limit_exceeded";
    case "overloaded":
      return "server_overloaded";
    default:
      return infoOfText(message);
  }
}

const GIVEN_UP = /^exceeded retry limit, last status: (\d+) /;
const INTERNAL_ERROR = "We're currently experiencing high demand, which may cause temporary errors.";

function infoOfText(message: string): unknown {
  const status = GIVEN_UP.exec(message)?.[1];
  if (status !== undefined) return { response_too_many_failed_attempts: { http_status_code: Number(status) } };
  return message === INTERNAL_ERROR ? "internal_server_error" : "other";
}

const RETRY = /^(Reconnecting\.\.\. \d+\/\d+) \((.*)\)$/s;
const STATUS = /^unexpected status (\d+) /;

/** A retry: what is shown and, apart from it, why. */
export function streamError(message: string): EventMsg {
  const [, shown = message, details = null] = RETRY.exec(message) ?? [];
  const status = STATUS.exec(details ?? "")?.[1];
  return {
    type: "stream_error",
    message: shown,
    codex_error_info: {
      response_stream_disconnected: { http_status_code: status === undefined ? null : Number(status) },
    },
    additional_details: details,
  };
}
