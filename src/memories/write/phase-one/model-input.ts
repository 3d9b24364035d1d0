import { redactSecrets } from "#lib/redact.ts";
import { approxTokens, truncateMiddle } from "#lib/truncate.ts";
import type { ModelInfo } from "#providers/model-catalog.ts";
import type { FilteredItem, RolloutSink } from "./filter-rollout.ts";
import type { RolloutContent } from "./rollout-content.ts";

/** Share of a model's usable window that a session may fill; the rest is for instructions and the answer. */
const WINDOW_SHARE_PERCENT = 70;
/** Budget when the window is not known, in tokens. */
const UNKNOWN_WINDOW_TOKENS = 150_000;
const BYTES_PER_TOKEN = 4;
/** One tool output; its two ends say most. */
const MAX_OUTPUT_BYTES = 16 << 10;

/** How many tokens of a session a model is shown. */
export function inputBudgetTokens(model: Pick<ModelInfo, "contextWindow" | "effectiveWindowPercent">): number {
  const { contextWindow, effectiveWindowPercent } = model;
  if (contextWindow === null) return UNKNOWN_WINDOW_TOKENS;
  return Math.max(1, Math.floor((contextWindow * effectiveWindowPercent * WINDOW_SHARE_PERCENT) / 10_000));
}

/**
 * Renders a rollout as the JSON array a model reads, within a budget however long the rollout is: the first and the
 * last half are kept, and a mark says how much is missing between them. Every text is redacted.
 */
export class ModelInput implements RolloutSink {
  readonly #half: number;
  readonly #head: string[] = [];
  #headBytes = 0;
  readonly #tail: { text: string; bytes: number }[] = [];
  #tailFrom = 0;
  #tailBytes = 0;
  #droppedBytes = 0;
  #inHead = true;

  constructor(budgetTokens: number) {
    this.#half = Math.floor((budgetTokens * BYTES_PER_TOKEN) / 2);
  }

  item(item: FilteredItem): void {
    const whole = JSON.stringify(shown(item.line, item.content));
    const text = truncateMiddle(whole, { mode: "bytes", limit: Math.max(64, this.#half - 64) });
    const bytes = Buffer.byteLength(text) + 1;
    if (this.#inHead && this.#headBytes + bytes <= this.#half) {
      this.#head.push(text);
      this.#headBytes += bytes;
      return;
    }
    this.#inHead = false;
    this.#tail.push({ text, bytes });
    this.#tailBytes += bytes;
    this.#dropOldest();
  }

  mark(): void {}

  /** The array; one element per line. */
  render(): string {
    const tail = this.#tail.slice(this.#tailFrom).map(({ text }) => text);
    const gap = this.#droppedBytes === 0 ? [] : [`…${approxTokens(this.#droppedBytes)} tokens truncated…`];
    return `[${[...this.#head, ...gap, ...tail].join("\n")}]`;
  }

  #dropOldest(): void {
    while (this.#tailBytes > this.#half && this.#tailFrom < this.#tail.length - 1) {
      const oldest = this.#tail[this.#tailFrom++];
      this.#tailBytes -= oldest?.bytes ?? 0;
      this.#droppedBytes += oldest?.bytes ?? 0;
    }
    // The array behind the window is cut off now and then, not at every step.
    if (this.#tailFrom > 4096) {
      this.#tail.splice(0, this.#tailFrom);
      this.#tailFrom = 0;
    }
  }
}

function shown(line: number, content: RolloutContent): Record<string, unknown> {
  switch (content.type) {
    case "user":
    case "assistant":
      return { line, type: "message", role: content.type, text: redactSecrets(content.text) };
    case "call":
      return { line, type: "call", tool: content.tool, input: redactSecrets(short(content.input)) };
    case "output":
      return { line, type: "output", text: redactSecrets(short(content.text())) };
    case "web_search":
      return { line, type: "web_search", query: redactSecrets(content.query) };
  }
}

function short(text: string): string {
  return truncateMiddle(text, { mode: "bytes", limit: MAX_OUTPUT_BYTES });
}

/** The input cut to half of its tokens, for a model whose window turned out smaller. */
export function halved(input: string): string {
  return truncateMiddle(input, { mode: "tokens", limit: Math.floor(approxTokens(Buffer.byteLength(input)) / 2) });
}
