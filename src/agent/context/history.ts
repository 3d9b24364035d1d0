import type { MessageItem, ResponseItem } from "#protocol/items.ts";
import { pairCallsWithOutputs } from "./normalize.ts";

/**
 * The conversation the model sees, oldest first. Items are never mutated once recorded; the only way to
 * shorten a history is `replace` (compaction).
 */
export class History {
  #items: ResponseItem[];

  constructor(items: readonly ResponseItem[] = []) {
    this.#items = [...items];
  }

  get items(): readonly ResponseItem[] {
    return this.#items;
  }

  record(...items: readonly ResponseItem[]): void {
    this.#items.push(...items);
  }

  replace(items: readonly ResponseItem[]): void {
    this.#items = [...items];
  }

  /** What to send: every call has its output and every output its call, as the API demands. */
  forPrompt(): ResponseItem[] {
    return pairCallsWithOutputs(this.#items);
  }

  /** Text of the newest assistant message after index `from`, or null. */
  lastAssistantMessage(from: number): string | null {
    for (let index = this.#items.length - 1; index >= from; index--) {
      const item = this.#items[index];
      if (item?.type === "message" && item.role === "assistant") return assistantText(item);
    }
    return null;
  }
}

/** The `output_text` parts of an assistant message, joined; images and other parts left out. */
export function assistantText(item: MessageItem): string {
  return item.content.map((part) => (part.type === "output_text" ? part.text : "")).join("");
}
