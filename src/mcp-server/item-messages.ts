import { uuidv7 } from "#lib/ids.ts";
import type { Event } from "#protocol/events.ts";
import { webSearchQuery } from "#protocol/items.ts";
import type { EventMsg } from "./event-msg.ts";

type EventOf<Type extends Event["type"]> = Extract<Event, { type: Type }>;

/** What the model says, thinks and looks up. */
export type ItemEvent = EventOf<
  | "agent_message_delta"
  | "agent_message"
  | "reasoning_delta"
  | "reasoning_raw_delta"
  | "reasoning"
  | "web_search_started"
  | "web_search"
>;

/** An item that is being told of piece by piece. */
interface OpenItem {
  id: string;
  /** Index of the summary part the last delta was of; -1 before the first. */
  part: number;
}

/** What an item is, beyond its id. */
type ItemBody = { type: "AgentMessage" | "Reasoning" } & Readonly<Record<string, unknown>>;

function messageBody(content: readonly unknown[], phase: string | undefined): ItemBody {
  return { type: "AgentMessage", content, ...(phase === undefined ? {} : { phase }) };
}

function reasoningBody(summary: readonly string[], raw: readonly string[]): ItemBody {
  return { type: "Reasoning", summary_text: summary, raw_content: raw };
}

/** The messages about items of one session: each is begun, told of and ended, and told again in the older form. */
export class ItemMessages {
  readonly #threadId: string;
  readonly #showRawReasoning: boolean;
  #turnId = "";
  #compactionId = "";
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

  /** History is being summarized. */
  compactionStarted(): EventMsg[] {
    this.#compactionId = uuidv7();
    return [this.#started({ type: "ContextCompaction", id: this.#compactionId })];
  }

  compacted(): EventMsg[] {
    return [this.#completed({ type: "ContextCompaction", id: this.#compactionId }), { type: "context_compacted" }];
  }

  messages(event: ItemEvent): EventMsg[] {
    switch (event.type) {
      case "agent_message_delta":
        return this.#messageDelta(event);
      case "agent_message":
        return this.#message(event);
      case "reasoning_delta":
        return this.#reasoningDelta(event);
      case "reasoning_raw_delta":
        return this.#rawReasoningDelta(event);
      case "reasoning":
        return this.#reasoning(event);
      case "web_search_started":
        return [this.#started(searchItem(event)), { type: "web_search_begin", call_id: event.callId }];
      case "web_search": {
        const { callId, action } = event;
        const end = { type: "web_search_end", call_id: callId, query: webSearchQuery(action), action };
        return [this.#completed(searchItem(event)), end];
      }
    }
  }

  #messageDelta({ itemId, delta, phase }: EventOf<"agent_message_delta">): EventMsg[] {
    const { item, begun } = this.#begin(itemId, messageBody([], phase));
    return [
      ...begun,
      { type: "agent_message_content_delta", ...this.#ids(), item_id: item.id, delta },
      { type: "agent_message_delta", delta },
    ];
  }

  #message({ itemId, text, phase }: EventOf<"agent_message">): EventMsg[] {
    const body = messageBody([{ type: "Text", text }], phase);
    const { item, begun } = this.#begin(itemId, body);
    this.#open.delete(itemId);
    return [...begun, this.#completed({ ...body, id: item.id }), { type: "agent_message", message: text }];
  }

  #reasoningDelta({ itemId, summaryIndex, delta }: EventOf<"reasoning_delta">): EventMsg[] {
    const { item, begun } = this.#begin(itemId, reasoningBody([], []));
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

  #rawReasoningDelta({ itemId, contentIndex, delta }: EventOf<"reasoning_raw_delta">): EventMsg[] {
    const { item, begun } = this.#begin(itemId, reasoningBody([], []));
    return [
      ...begun,
      { type: "reasoning_raw_content_delta", ...this.#ids(), item_id: item.id, delta, content_index: contentIndex },
      { type: "agent_reasoning_raw_content_delta", delta },
    ];
  }

  #reasoning({ itemId, summary, raw }: EventOf<"reasoning">): EventMsg[] {
    const body = reasoningBody(summary, raw);
    const { item, begun } = this.#begin(itemId, body);
    this.#open.delete(itemId);
    const shownRaw = this.#showRawReasoning ? raw : [];
    return [
      ...begun,
      this.#completed({ ...body, id: item.id }),
      ...summary.map((text) => ({ type: "agent_reasoning", text })),
      ...shownRaw.map((text) => ({ type: "agent_reasoning_raw_content", text })),
    ];
  }

  /** The item, and the message that begins it, as far as it is known, when this is the first that is heard of it. */
  #begin(itemId: string, body: ItemBody): { item: OpenItem; begun: EventMsg[] } {
    const open = this.#open.get(itemId);
    if (open !== undefined) return { item: open, begun: [] };
    const item = { id: itemId === "" ? uuidv7() : itemId, part: -1 };
    this.#open.set(itemId, item);
    return { item, begun: [this.#started({ ...body, id: item.id })] };
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

function searchItem({ callId, action }: EventOf<"web_search_started" | "web_search">): Record<string, unknown> {
  return { type: "WebSearch", id: callId, query: webSearchQuery(action), action };
}
