import { CitationFilter } from "#memories/read/citations.ts";
import type { ResponseItem } from "#protocol/items.ts";
import type { ModelEvent, ModelFailure } from "#providers/model-client.ts";
import { toolCallOf } from "#tools/route.ts";
import type { ToolCall, ToolResult } from "#tools/tool.ts";
import type { ThreadState } from "../thread-state.ts";
import { emitFinishedItem, emitStartedSearch, itemEventRecords, phaseOf } from "./item-events.ts";

/** A tool call that is running or has run. `result` rejects only on abort or a bug. */
export interface PendingCall {
  call: ToolCall;
  result: Promise<ToolResult>;
}

export interface AttemptOutcome {
  /** null when the response completed. */
  failure: ModelFailure | null;
  calls: PendingCall[];
}

/**
 * Plays one response stream into the thread: deltas leave at once, finished items become history, tool
 * calls start while the stream goes on. Items of a stream that broke before any tool call started are
 * dropped, because the retry will bring them again; once a call has started they stay, because its
 * side effects do.
 */
export async function streamAttempt(options: {
  stream: AsyncIterable<readonly ModelEvent[]>;
  state: ThreadState;
  startCall: (call: ToolCall) => Promise<ToolResult>;
  itemFinished: (item: ResponseItem) => void;
}): Promise<AttemptOutcome> {
  const attempt = new Attempt(options);
  for await (const batch of options.stream) {
    for (const event of batch) attempt.handle(event);
  }
  return attempt.finish();
}

class Attempt {
  readonly #state: ThreadState;
  readonly #startCall: (call: ToolCall) => Promise<ToolResult>;
  readonly #itemFinished: (item: ResponseItem) => void;
  readonly #calls: PendingCall[] = [];
  /** Citations are for the program: they are taken out of what is shown while it streams. */
  readonly #citations = new CitationFilter();
  /** Of messages that have begun, by their ids. */
  readonly #phases = new Map<string, { phase?: string }>();
  /** Ids of searches that have begun and not ended. */
  readonly #searches = new Set<string>();
  #unrecorded: ResponseItem[] = [];
  #failure: ModelFailure | null | undefined;

  constructor(options: {
    state: ThreadState;
    startCall: (call: ToolCall) => Promise<ToolResult>;
    itemFinished: (item: ResponseItem) => void;
  }) {
    this.#state = options.state;
    this.#startCall = options.startCall;
    this.#itemFinished = options.itemFinished;
  }

  handle(event: ModelEvent): void {
    switch (event.type) {
      case "text_delta":
        this.#showDelta(event.itemId, this.#citations.push(event.delta));
        break;
      case "reasoning_delta":
        this.#reasoningDelta(event);
        break;
      case "item_added":
        this.#itemAdded(event.item);
        break;
      case "item_done":
        this.#itemDone(event.item);
        break;
      case "rate_limits":
        this.#state.setRateLimits(event.rateLimits);
        break;
      case "completed":
        this.#failure = null;
        this.#recordItems();
        this.#state.addUsage(event.usage);
        break;
      case "failed":
        this.#failure = event.failure;
        break;
      case "created":
        break;
    }
  }

  finish(): AttemptOutcome {
    const failure = this.#failure === undefined ? STREAM_CLOSED : this.#failure;
    if (failure !== null && (!failure.retry || this.#calls.length > 0)) this.#recordItems();
    return { failure, calls: this.#calls };
  }

  #showDelta(itemId: string, delta: string): void {
    if (delta !== "") this.#state.emit({ type: "agent_message_delta", itemId, delta, ...this.#phases.get(itemId) });
  }

  #reasoningDelta({ itemId, index, delta, raw }: Extract<ModelEvent, { type: "reasoning_delta" }>): void {
    this.#state.emit(
      raw
        ? { type: "reasoning_raw_delta", itemId, contentIndex: index, delta }
        : { type: "reasoning_delta", itemId, summaryIndex: index, delta },
    );
  }

  #itemAdded(item: ResponseItem): void {
    if (item.type === "message") this.#phases.set(item.id ?? "", phaseOf(item));
    if (item.type !== "web_search_call") return;
    this.#searches.add(item.id ?? "");
    emitStartedSearch(item, this.#state);
  }

  #itemDone(item: ResponseItem): void {
    // Not every host says that an item has begun.
    if (item.type === "web_search_call" && !this.#searches.delete(item.id ?? "")) emitStartedSearch(item, this.#state);
    if (item.type === "message") this.#showDelta(item.id ?? "", this.#citations.end());
    this.#itemFinished(item);
    emitFinishedItem(item, this.#state);
    this.#unrecorded.push(item);
    const call = toolCallOf(item);
    if (call === undefined) return;
    this.#recordItems();
    const result = this.#startCall(call);
    result.catch(() => {});
    this.#calls.push({ call, result });
  }

  #recordItems(): void {
    for (const item of this.#unrecorded) {
      for (const record of itemEventRecords(item)) this.#state.recordEvent(record);
      this.#state.recordItems([item]);
    }
    this.#unrecorded = [];
  }
}

const STREAM_CLOSED: ModelFailure = {
  retry: true,
  message: "stream disconnected before completion: stream closed before response.completed",
};
