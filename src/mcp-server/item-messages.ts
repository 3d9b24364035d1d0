import { uuidv7 } from "#lib/ids.ts";
import type { Event } from "#protocol/events.ts";
import { webSearchQuery } from "#protocol/items.ts";
import type { EventMsg } from "./event-msg.ts";

type EventOf<Type extends Event["type"]> = Extract<Event, { type: Type }>;

/** What the model says, thinks and looks up. */
export type ItemEvent = EventOf<
  "agent_message_delta" | "agent_message" | "reasoning_delta" | "reasoning" | "web_search_started" | "web_search"
>;

/** An item that is being told of piece by piece. */
interface OpenItem {
  id: string;
  /** Index of the summary part the last delta was of; -1 before the first. */
  part: number;
}

const EMPTY = { AgentMessage: { content: [] }, Reasoning: { summary_text: [], raw_content: [] } } as const;

/** The messages about items of one session: each is begun, told of and ended, and told again in the older form. */
export class ItemMessages {
  readonly #threadId: string;
  readonly #showRawReasoning: boolean;
  #turnId = "";
  /** By the id the model's provider gave them. */
  readonly #open = new Map<string, OpenItem>();

  constructor(session: { threadId: string; showRawReasoning: boolean }) {
    this.#threadId = session.threadId;
    this.#showRawReasoning = session.showRawReasoning;
  }

  beginTurn(turnId: string): void {
    this.#turnId = turnId;
    this.#open.clear();
  }

  /** An item that begins and ends at once. */
  whole(item: Record<string, unknown>): EventMsg[] {
    return [this.#started(item), this.#completed(item)];
  }

  messages(event: ItemEvent): EventMsg[] {
    switch (event.type) {
      case "agent_message_delta":
        return this.#messageDelta(event);
      case "agent_message":
        return this.#message(event);
      case "reasoning_delta":
        return this.#reasoningDelta(event);
      case "reasoning":
        return this.#reasoning(event);
      case "web_search_started": {
        const item = { type: "WebSearch", id: event.callId, query: "", action: { type: "other" } };
        return [this.#started(item), { type: "web_search_begin", call_id: event.callId }];
      }
      case "web_search": {
        const { callId, action } = event;
        const query = webSearchQuery(action);
        return [
          this.#completed({ type: "WebSearch", id: callId, query, action }),
          { type: "web_search_end", call_id: callId, query, action },
        ];
      }
    }
  }

  #messageDelta({ itemId, delta }: EventOf<"agent_message_delta">): EventMsg[] {
    const { item, begun } = this.#begin(itemId, "AgentMessage");
    return [
      ...begun,
      { type: "agent_message_content_delta", ...this.#ids(), item_id: item.id, delta },
      { type: "agent_message_delta", delta },
    ];
  }

  #message({ itemId, text }: EventOf<"agent_message">): EventMsg[] {
    const { item, begun } = this.#begin(itemId, "AgentMessage");
    this.#open.delete(itemId);
    return [
      ...begun,
      this.#completed({ type: "AgentMessage", id: item.id, content: [{ type: "Text", text }] }),
      { type: "agent_message", message: text },
    ];
  }

  #reasoningDelta({ itemId, summaryIndex, delta }: EventOf<"reasoning_delta">): EventMsg[] {
    const { item, begun } = this.#begin(itemId, "Reasoning");
    const isNewPart = item.part !== summaryIndex;
    item.part = summaryIndex;
    const part = { item_id: item.id, summary_index: summaryIndex };
    return [
      ...begun,
      ...(isNewPart ? [{ type: "agent_reasoning_section_break", ...part }] : []),
      { type: "reasoning_content_delta", ...this.#ids(), ...part, delta },
      { type: "agent_reasoning_delta", delta },
    ];
  }

  #reasoning({ itemId, summary, raw }: EventOf<"reasoning">): EventMsg[] {
    const { item, begun } = this.#begin(itemId, "Reasoning");
    this.#open.delete(itemId);
    const shownRaw = this.#showRawReasoning ? raw : [];
    return [
      ...begun,
      this.#completed({ type: "Reasoning", id: item.id, summary_text: summary, raw_content: raw }),
      ...summary.map((text) => ({ type: "agent_reasoning", text })),
      ...shownRaw.map((text) => ({ type: "agent_reasoning_raw_content", text })),
    ];
  }

  /** The item, and the message that begins it when this is the first that is heard of it. */
  #begin(itemId: string, type: keyof typeof EMPTY): { item: OpenItem; begun: EventMsg[] } {
    const open = this.#open.get(itemId);
    if (open !== undefined) return { item: open, begun: [] };
    const item = { id: itemId === "" ? uuidv7() : itemId, part: -1 };
    this.#open.set(itemId, item);
    return { item, begun: [this.#started({ type, id: item.id, ...EMPTY[type] })] };
  }

  #started(item: Record<string, unknown>): EventMsg {
    return { type: "item_started", ...this.#ids(), item };
  }

  #completed(item: Record<string, unknown>): EventMsg {
    return { type: "item_completed", ...this.#ids(), item };
  }

  #ids() {
    return { thread_id: this.#threadId, turn_id: this.#turnId };
  }
}
