import type { ResponseItem } from "#protocol/items.ts";
import type { ReasoningEffort, ReasoningSummary, Verbosity } from "#protocol/policies.ts";
import type { RateLimitSnapshot, TokenUsage } from "#protocol/usage.ts";
import type { ModelInfo } from "./model-catalog.ts";
import type { ToolList } from "./tool-list.ts";

/** State that lives as long as one turn and is shared by its requests. */
export interface TurnWireState {
  /** Last `x-codex-turn-state` response header, echoed on the turn's later requests. */
  turnState: string | undefined;
}

/** Everything one sampling request needs; the client adds provider, credentials and identity headers. */
export interface ModelRequest {
  model: ModelInfo;
  instructions: string;
  input: readonly ResponseItem[];
  tools: ToolList;
  parallelToolCalls: boolean;
  effort: ReasoningEffort | undefined;
  summary: ReasoningSummary;
  verbosity: Verbosity | undefined;
  outputSchema: Record<string, unknown> | undefined;
  /** `max_output_tokens`; absent for no cap of ours. */
  maxOutputTokens?: number | undefined;
  /** Thread id; also the `prompt_cache_key` and `session_id` header. */
  threadId: string;
  /** JSON of the `x-codex-turn-metadata` header, or undefined for none. */
  turnMetadata: string | undefined;
  /** Value of `x-openai-subagent` ("review", "compact"), or undefined. */
  subagent: string | undefined;
  turn: TurnWireState;
}

/** Why a sampling request ended without `response.completed`. */
export type ModelFailure =
  /** Worth another try of the whole stream; `delayMs` when the server said how long to wait. */
  | { retry: true; message: string; delayMs?: number }
  /** Final. `kind` lets the agent react (compact, stop, log in). */
  | {
      retry: false;
      message: string;
      kind: "context_window" | "usage_limit" | "quota" | "bad_request" | "overloaded" | "auth" | "aborted" | "other";
    };

export type ModelEvent =
  | { type: "created" }
  | { type: "item_added"; item: ResponseItem; outputIndex: number }
  | { type: "text_delta"; itemId: string; delta: string }
  /** `index` is that of the summary part or, for raw text, of the content part. */
  | { type: "reasoning_delta"; itemId: string; index: number; delta: string; raw: boolean }
  | { type: "item_done"; item: ResponseItem; outputIndex: number }
  | { type: "rate_limits"; rateLimits: RateLimitSnapshot }
  /** `usage` is null when the server did not report any. Ends the stream. */
  | { type: "completed"; responseId: string; usage: TokenUsage | null }
  /** Ends the stream. */
  | { type: "failed"; failure: ModelFailure };

/**
 * One way to reach a model. `stream` makes one sampling request: transport-level retries
 * (`request_max_retries`) happen inside and silently; a stream that broke is reported as a retryable
 * failure and retried by the caller. Events come in batches, one per network chunk, so that a
 * 65,000-delta answer does not cost 65,000 promise turns. The last event is `completed` or `failed`;
 * nothing is thrown for what a server or network can do. An aborted signal ends it with kind "aborted".
 */
export interface ModelClient {
  stream(request: ModelRequest, options: { signal: AbortSignal }): AsyncIterable<readonly ModelEvent[]>;
}

/** Told, before it is interpreted, of the data of every server-sent event of a response. */
export type WireTap = (data: string) => void;

/** A client that reaches a server, and lets a recording listen to what the server says. */
export interface WireModelClient extends ModelClient {
  stream(request: ModelRequest, options: { signal: AbortSignal; tap?: WireTap }): AsyncIterable<readonly ModelEvent[]>;
}
