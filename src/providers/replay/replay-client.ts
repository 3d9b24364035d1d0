import { sleep } from "#lib/abort.ts";
import { ABORTED, STREAM_CLOSED } from "../errors.ts";
import { isObject, textOf } from "../json-value.ts";
import type { ModelClient, ModelEvent, ModelFailure, ModelRequest } from "../model-client.ts";
import { ResponsesDecoder } from "../responses/decode.ts";
import { type Exchange, readRecording } from "./recording.ts";

export interface ReplayOptions {
  /** `recorded` waits as long between events as the server did; `instant` (default) does not wait. */
  pace?: "instant" | "recorded";
}

/**
 * A client that answers the n-th request with the n-th exchange of a recording, through the same decoder
 * as a live response. Throws CodexError when the file cannot be used. A request that the recording has no
 * fitting answer for ends with a final failure that says so.
 */
export function createReplayClient(file: string, options: ReplayOptions = {}): ModelClient {
  return new ReplayClient(file, readRecording(file), options.pace ?? "instant");
}

class ReplayClient implements ModelClient {
  readonly #file: string;
  readonly #exchanges: ReadonlyMap<number, Exchange>;
  readonly #pace: "instant" | "recorded";
  #asked = 0;

  constructor(file: string, exchanges: ReadonlyMap<number, Exchange>, pace: "instant" | "recorded") {
    this.#file = file;
    this.#exchanges = exchanges;
    this.#pace = pace;
  }

  async *stream(
    request: ModelRequest,
    options: { signal: AbortSignal },
  ): AsyncGenerator<readonly ModelEvent[], void, undefined> {
    const n = ++this.#asked;
    const exchange = this.#exchanges.get(n);
    const mismatch = exchange === undefined ? this.#missing(n) : mismatchOf(request, exchange);
    if (exchange === undefined || mismatch !== undefined) {
      const message = `Replay of "${this.#file}" stopped at request ${n}: ${mismatch}`;
      yield failed({ retry: false, kind: "other", message });
      return;
    }
    try {
      yield* play(exchange, this.#pace, options.signal);
    } catch (error) {
      if (!options.signal.aborted) throw error;
      yield failed(ABORTED);
    }
  }

  #missing(n: number): string {
    const last = Math.max(0, ...this.#exchanges.keys());
    if (n < last) return "the recording lacks this answer, it was cut off when recorded";
    return `the recording ends after ${last} answers. The run took another course than the recorded one`;
  }
}

/** Why the recorded answer does not fit the request, or undefined when it may be given. */
function mismatchOf(request: ModelRequest, exchange: Exchange): string | undefined {
  const recorded = exchange.request;
  const asked = request.subagent ?? null;
  if (asked !== recorded.subagent) {
    return `it is for ${kindOf(asked)}, the recorded answer is for ${kindOf(recorded.subagent)}`;
  }
  const offered = new Set(request.tools.specs.map(toolName));
  const lost = calledTools(exchange).find((name) => recorded.tools.includes(name) && !offered.has(name));
  if (lost === undefined) return undefined;
  return `the recorded answer calls the tool "${lost}", which was offered then and is not now`;
}

function kindOf(subagent: string | null): string {
  return subagent === null ? "the main conversation" : `"${subagent}"`;
}

/** The name under which a tool is called; hosted tools go by their type. */
export function toolName(tool: Readonly<Record<string, unknown>>): string {
  return textOf(tool.name) ?? textOf(tool.type) ?? "";
}

function calledTools(exchange: Exchange): string[] {
  return exchange.events.flatMap(([, data]) => {
    if (!isObject(data) || data.type !== "response.output_item.done" || !isObject(data.item)) return [];
    const { type, name } = data.item;
    return (type === "function_call" || type === "custom_tool_call") && typeof name === "string" ? [name] : [];
  });
}

async function* play(
  exchange: Exchange,
  pace: "instant" | "recorded",
  signal: AbortSignal,
): AsyncGenerator<readonly ModelEvent[], void, undefined> {
  const decoder = new ResponsesDecoder();
  let elapsed = 0;
  for (const [ms, data] of exchange.events) {
    if (pace === "recorded" && ms > elapsed) await sleep(ms - elapsed, signal);
    signal.throwIfAborted();
    elapsed = ms;
    const batch = decoder.push(sseBytes(data));
    if (batch.length > 0) yield batch;
    if (decoder.ended) return;
  }
  yield failed(exchange.failure ?? STREAM_CLOSED);
}

function sseBytes(data: unknown): Uint8Array {
  const text = typeof data === "string" ? data : JSON.stringify(data);
  return Buffer.from(
    `${text
      .split("\n")
      .map((line) => `data: ${line}\n`)
      .join("")}\n`,
  );
}

function failed(failure: ModelFailure): readonly ModelEvent[] {
  return [{ type: "failed", failure }];
}
