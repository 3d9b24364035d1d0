import type { TokenUsage } from "#protocol/usage.ts";

/** One object of the event stream, as it stands after `data: `. */
export type SseEvent = Readonly<Record<string, unknown>> & { readonly type: string };

/** One scripted answer of the model server. */
export interface ScriptedResponse {
  status: number;
  headers: Readonly<Record<string, string>>;
  /** Written one after the other, each in a network write of its own; `delayMs` is waited first. */
  chunks: readonly { bytes: Uint8Array; delayMs?: number }[];
  /** After the last chunk: finish properly, destroy the socket, or say nothing more until the client goes away. */
  end: "close" | "cut" | "stall";
}

const SSE_HEADERS = { "content-type": "text/event-stream" };

/** The bytes of one event. */
export function sseBytes(event: SseEvent): Uint8Array {
  return Buffer.from(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
}

/** A stream of exactly these events, one write each. */
export function sse(events: readonly SseEvent[], headers: Record<string, string> = {}): ScriptedResponse {
  return {
    status: 200,
    headers: { ...SSE_HEADERS, ...headers },
    chunks: events.map((event) => ({ bytes: sseBytes(event) })),
    end: "close",
  };
}

/** A whole answer: `created`, the given parts, `completed`. The usual way to script a round. */
export function answer(...parts: readonly (readonly SseEvent[])[]): ScriptedResponse {
  return sse([created(), ...parts.flat(), completed()]);
}

/** A stream of arbitrary bytes, each chunk a write of its own. */
export function rawChunks(
  chunks: readonly (string | Uint8Array)[],
  options: { delayMs?: number; headers?: Record<string, string>; end?: ScriptedResponse["end"] } = {},
): ScriptedResponse {
  const { delayMs } = options;
  return {
    status: 200,
    headers: { ...SSE_HEADERS, ...options.headers },
    chunks: chunks.map((chunk) => ({
      bytes: typeof chunk === "string" ? Buffer.from(chunk) : chunk,
      ...(delayMs === undefined ? {} : { delayMs }),
    })),
    end: options.end ?? "close",
  };
}

/** A plain HTTP answer, for errors. An object body becomes JSON. */
export function status(
  code: number,
  body: string | Record<string, unknown> = "",
  headers: Record<string, string> = {},
): ScriptedResponse {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const contentType = typeof body === "string" ? "text/plain" : "application/json";
  return {
    status: code,
    headers: { "content-type": contentType, ...headers },
    chunks: text === "" ? [] : [{ bytes: Buffer.from(text) }],
    end: "close",
  };
}

/** The same answer with the socket destroyed after `bytes` bytes of body. */
export function cutAfter(response: ScriptedResponse, bytes: number): ScriptedResponse {
  return { ...response, chunks: headOf(response, bytes), end: "cut" };
}

/** The same answer going silent after `bytes` bytes of body (default: after all of it) without ending. */
export function stallAfter(response: ScriptedResponse, bytes = Number.POSITIVE_INFINITY): ScriptedResponse {
  return { ...response, chunks: headOf(response, bytes), end: "stall" };
}

function headOf(response: ScriptedResponse, bytes: number): ScriptedResponse["chunks"] {
  const head: ScriptedResponse["chunks"][number][] = [];
  let left = bytes;
  for (const chunk of response.chunks) {
    if (left <= 0) break;
    head.push({ ...chunk, bytes: chunk.bytes.subarray(0, left) });
    left -= chunk.bytes.length;
  }
  return head;
}

/** `response.created` */
export function created(id = "resp_1"): SseEvent {
  return { type: "response.created", response: { id } };
}

/** `response.completed`; a field not given is 0. */
export function completed(usage: Partial<TokenUsage> = {}, id = "resp_1"): SseEvent {
  const input = usage.input_tokens ?? 0;
  const output = usage.output_tokens ?? 0;
  return {
    type: "response.completed",
    response: {
      id,
      usage: {
        input_tokens: input,
        input_tokens_details: {
          cached_tokens: usage.cached_input_tokens ?? 0,
          ...(usage.cache_write_input_tokens && { cache_write_tokens: usage.cache_write_input_tokens }),
        },
        output_tokens: output,
        output_tokens_details: { reasoning_tokens: usage.reasoning_output_tokens ?? 0 },
        total_tokens: usage.total_tokens ?? input + output,
      },
    },
  };
}

/** `response.failed` with an error code and message. */
export function failed(code: string, message: string): SseEvent {
  return { type: "response.failed", response: { id: "resp_1", status: "failed", error: { code, message } } };
}

/** `response.incomplete` */
export function incomplete(reason: string): SseEvent {
  return { type: "response.incomplete", response: { id: "resp_1", incomplete_details: { reason } } };
}

/** `response.output_item.done` of any item. */
export function itemDone(item: Record<string, unknown>, outputIndex = 0): SseEvent {
  return { type: "response.output_item.done", output_index: outputIndex, item };
}

/** `response.output_item.added` of any item. */
function itemAdded(item: Record<string, unknown>, outputIndex = 0): SseEvent {
  return { type: "response.output_item.added", output_index: outputIndex, item };
}

/** An assistant message: added, one delta per element of `deltas` (default: the whole text), done. */
export function assistantText(
  text: string,
  options: { id?: string; deltas?: readonly string[]; phase?: string } = {},
): SseEvent[] {
  const id = options.id ?? "msg_1";
  const phase = options.phase === undefined ? {} : { phase: options.phase };
  const message = (content: unknown[]) => ({
    type: "message",
    id,
    role: "assistant",
    status: "completed",
    ...phase,
    content,
  });
  return [
    itemAdded(message([])),
    ...(options.deltas ?? [text]).map((delta) => ({
      type: "response.output_text.delta",
      item_id: id,
      output_index: 0,
      content_index: 0,
      delta,
    })),
    itemDone(message([{ type: "output_text", text, annotations: [] }])),
  ];
}

/** A function call; `args` that are not text become JSON. */
export function functionCall(name: string, args: unknown, callId = "call_1"): SseEvent[] {
  const text = typeof args === "string" ? args : JSON.stringify(args);
  return [
    itemDone({
      type: "function_call",
      id: `fc_${callId}`,
      status: "completed",
      name,
      arguments: text,
      call_id: callId,
    }),
  ];
}

/** A custom (freeform) tool call. */
export function customToolCall(name: string, input: string, callId = "call_1"): SseEvent[] {
  return [
    itemDone({ type: "custom_tool_call", id: `ctc_${callId}`, status: "completed", call_id: callId, name, input }),
  ];
}

/** A reasoning item: added, a delta per summary part (and per raw text), done. */
export function reasoning(
  summary: readonly string[],
  options: { id?: string; encrypted?: string | null; raw?: readonly string[] } = {},
): SseEvent[] {
  const id = options.id ?? "rs_1";
  const raw = options.raw ?? [];
  return [
    itemAdded({ type: "reasoning", id, summary: [] }),
    ...summary.flatMap((delta, index) => [
      { type: "response.reasoning_summary_part.added", item_id: id, output_index: 0, summary_index: index },
      { type: "response.reasoning_summary_text.delta", item_id: id, output_index: 0, summary_index: index, delta },
    ]),
    ...raw.map((delta, index) => ({
      type: "response.reasoning_text.delta",
      item_id: id,
      output_index: 0,
      content_index: index,
      delta,
    })),
    itemDone({
      type: "reasoning",
      id,
      summary: summary.map((text) => ({ type: "summary_text", text })),
      ...(raw.length === 0 ? {} : { content: raw.map((text) => ({ type: "reasoning_text", text })) }),
      encrypted_content: options.encrypted === undefined ? "ENCRYPTED" : options.encrypted,
    }),
  ];
}

/** A hosted web search: added, done. */
export function webSearchCall(action: Record<string, unknown>, id = "ws_1"): SseEvent[] {
  return [
    itemAdded({ type: "web_search_call", id, status: "in_progress" }),
    itemDone({ type: "web_search_call", id, status: "completed", action }),
  ];
}

/** A `local_shell_call` of an argv. */
export function localShellCall(
  command: readonly string[],
  callId = "call_1",
  action: Record<string, unknown> = {},
): SseEvent[] {
  return [
    itemDone({
      type: "local_shell_call",
      id: `lsc_${callId}`,
      call_id: callId,
      status: "completed",
      action: { type: "exec", command, ...action },
    }),
  ];
}
