import type { CallLedger, ConsolidationBounds } from "#memories/write/phase-two/consolidation-agent.ts";
import { itemToWire } from "#protocol/items.ts";
import type { ModelClient, ModelEvent, ModelRequest } from "#providers/model-client.ts";
import type { UnixSeconds } from "#state/rows.ts";

/** Most a call is expected to answer with, in tokens: what is reserved besides the input. */
const OUTPUT_TOKENS = 16_000;

/** Why a bounded client makes no more calls. */
export type Stop = { type: "bound"; message: string } | { type: "over_budget"; retryAt: UnixSeconds };

/**
 * A client that books every call against the day's budget first and ends when a bound is reached. A refused call is a
 * final failure of the turn; `stopped` says why.
 */
export class BoundedClient implements ModelClient {
  readonly #client: ModelClient;
  readonly #bounds: ConsolidationBounds;
  readonly #ledger: CallLedger;
  #rounds = 0;
  #tokens = 0;
  stopped: Stop | undefined;

  constructor(client: ModelClient, options: { bounds: ConsolidationBounds; ledger: CallLedger }) {
    this.#client = client;
    this.#bounds = options.bounds;
    this.#ledger = options.ledger;
  }

  async *stream(request: ModelRequest, options: { signal: AbortSignal }): AsyncGenerator<readonly ModelEvent[]> {
    const estimate = estimatedTokens(request);
    const booked = await this.#book(estimate);
    if (booked === undefined) {
      yield [refusal(this.stopped)];
      return;
    }
    let isSettled = false;
    try {
      for await (const batch of this.#client.stream(request, options)) {
        const completed = batch.find((event) => event.type === "completed");
        if (completed?.type === "completed" && completed.usage !== null) {
          const { input_tokens, cached_input_tokens, output_tokens } = completed.usage;
          this.#tokens += input_tokens + output_tokens;
          isSettled = true;
          const usage = {
            inputTokens: input_tokens,
            cachedInputTokens: cached_input_tokens,
            outputTokens: output_tokens,
          };
          await this.#ledger.settle(booked, usage);
        }
        yield batch;
      }
    } finally {
      if (!isSettled) {
        this.#tokens += estimate;
        await this.#ledger.lose(booked);
      }
    }
  }

  async #book(estimate: number): Promise<number | undefined> {
    const { maxRounds, maxTokens } = this.#bounds;
    if (this.#rounds >= maxRounds)
      return this.#stop({ type: "bound", message: `not done after ${maxRounds} model calls` });
    if (this.#tokens + estimate > maxTokens)
      return this.#stop({ type: "bound", message: `not done within ${maxTokens} tokens` });
    const reservation = await this.#ledger.reserve(estimate);
    if (reservation.type === "over_budget") return this.#stop({ type: "over_budget", retryAt: reservation.retryAt });
    this.#rounds++;
    return reservation.id;
  }

  #stop(stop: Stop): undefined {
    this.stopped = stop;
    return undefined;
  }
}

function refusal(stop: Stop | undefined): ModelEvent {
  const message = stop?.type === "bound" ? stop.message : "the day's token budget for memories is spent";
  return { type: "failed", failure: { retry: false, kind: "other", message } };
}

/** Four bytes a token, the estimate used everywhere, and the room for an answer. */
function estimatedTokens(request: ModelRequest): number {
  const input = JSON.stringify([request.instructions, request.input.map(itemToWire)]) + request.tools.json;
  return Math.ceil(Buffer.byteLength(input, "utf8") / 4) + OUTPUT_TOKENS;
}
