import type { Event } from "#protocol/events.ts";
import type { ResponseItem } from "#protocol/items.ts";
import type { EventRecord, RolloutItem } from "#protocol/rollout-item.ts";
import { addUsage, type RateLimitSnapshot, type TokenUsage, type TokenUsageInfo, ZERO_USAGE } from "#protocol/usage.ts";
import { History } from "./context/history.ts";
import { type ThreadSettings, usableWindow } from "./settings.ts";

/** Where a thread's lines go; `rollout/recorder.ts` is the one for real sessions. */
export interface ThreadRecorder {
  /** Appends and flushes. Throws a CodexError when the line could not be stored. */
  append(items: readonly RolloutItem[]): void;
}

/** What a resumed thread brings along. */
export interface ThreadPast {
  history: readonly ResponseItem[];
  usage: TokenUsageInfo | null;
  rateLimits: RateLimitSnapshot | null;
  /** Texts of the summaries that compactions left in the history. */
  summaries: ReadonlySet<string>;
}

/**
 * The mutable heart of one thread: history, usage and rate limits, and the two ways out (rollout lines
 * and events). Only tasks run by `thread.ts` hold it.
 */
export class ThreadState {
  readonly settings: ThreadSettings;
  readonly history: History;
  readonly #recorder: ThreadRecorder;
  readonly #emit: (event: Event) => void;
  /** Texts of the summaries in the history: not the user's words when it is compacted again. */
  readonly summaries: Set<string>;
  #usage: TokenUsageInfo | null;
  #rateLimits: RateLimitSnapshot | null;

  constructor(options: {
    settings: ThreadSettings;
    recorder: ThreadRecorder;
    emit: (event: Event) => void;
    past?: ThreadPast | undefined;
  }) {
    this.settings = options.settings;
    this.#recorder = options.recorder;
    this.#emit = options.emit;
    this.history = new History(options.past?.history);
    this.summaries = new Set(options.past?.summaries);
    this.#usage = options.past?.usage ?? null;
    this.#rateLimits = options.past?.rateLimits ?? null;
  }

  emit(event: Event): void {
    this.#emit(event);
  }

  /** Items become history and rollout lines at once. */
  recordItems(items: readonly ResponseItem[]): void {
    this.history.record(...items);
    this.#recorder.append(items.map((payload) => ({ type: "response_item", payload })));
    for (const item of items) this.emit({ type: "raw_response_item", item });
  }

  recordEvent(payload: EventRecord): void {
    this.#recorder.append([{ type: "event_msg", payload }]);
  }

  record(item: RolloutItem): void {
    this.#recorder.append([item]);
  }

  get usage(): TokenUsageInfo | null {
    return this.#usage;
  }

  /** Tokens the last request used in all: what the next one will at least start from. */
  get contextTokens(): number {
    return this.#usage?.last_token_usage.total_tokens ?? 0;
  }

  /** Adds one response's usage and reports the new totals. */
  addUsage(usage: TokenUsage | null): void {
    if (usage !== null) {
      const before = this.#usage?.total_token_usage ?? ZERO_USAGE;
      this.#setUsage(addUsage(before, usage), usage);
    }
    this.reportTokens();
  }

  /** The server said the window is full: the next check must see it so. */
  markWindowFull(): void {
    const window = usableWindow(this.settings.model);
    if (window === null) return;
    const total = { ...(this.#usage?.total_token_usage ?? ZERO_USAGE), total_tokens: window };
    this.#setUsage(total, { ...ZERO_USAGE, total_tokens: window });
    this.reportTokens();
  }

  /** After compaction the context is small again; totals of the thread stay. */
  resetContextTokens(estimate: number): void {
    const total = this.#usage?.total_token_usage ?? ZERO_USAGE;
    this.#setUsage(total, { ...ZERO_USAGE, total_tokens: estimate });
    this.reportTokens();
  }

  setRateLimits(snapshot: RateLimitSnapshot): void {
    this.#rateLimits = { ...snapshot, credits: snapshot.credits ?? this.#rateLimits?.credits ?? null };
    this.reportTokens();
  }

  reportTokens(): void {
    this.recordEvent({ type: "token_count", info: this.#usage, rate_limits: this.#rateLimits });
    this.emit({ type: "token_count", info: this.#usage, rateLimits: this.#rateLimits });
  }

  #setUsage(total: TokenUsage, last: TokenUsage): void {
    this.#usage = {
      total_token_usage: total,
      last_token_usage: last,
      model_context_window: usableWindow(this.settings.model),
    };
  }
}
