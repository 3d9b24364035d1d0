import type { KnownItem, ResponseItem } from "#protocol/items.ts";
import type { RolloutItem, TurnContextRecord } from "#protocol/rollout-item.ts";

type Instructions = Pick<TurnContextRecord, "user_instructions" | "developer_instructions">;

/**
 * What of an item goes into the file. Server ids are left out (0.101's files have none, and they mean
 * nothing to another server), items of unknown types are stored as they came, and the long instruction
 * texts of `turn_context`, which is written for every request, only when they differ from the last ones.
 */
export class PersistPolicy {
  #last: Instructions = {};

  storedPayload(item: RolloutItem): unknown {
    switch (item.type) {
      case "response_item":
        return storedResponseItem(item.payload);
      case "compacted": {
        const { replacement_history: history, ...rest } = item.payload;
        return history === undefined ? rest : { ...rest, replacement_history: history.map(storedResponseItem) };
      }
      case "turn_context":
        return this.#storedTurnContext(item.payload);
      case "session_meta":
      case "event_msg":
        return item.payload;
    }
  }

  #storedTurnContext(record: TurnContextRecord): TurnContextRecord {
    const { user_instructions, developer_instructions } = record;
    const stored = { ...record };
    if (user_instructions === this.#last.user_instructions) delete stored.user_instructions;
    if (developer_instructions === this.#last.developer_instructions) delete stored.developer_instructions;
    this.#last = {
      ...(user_instructions !== undefined && { user_instructions }),
      ...(developer_instructions !== undefined && { developer_instructions }),
    };
    return stored;
  }
}

function storedResponseItem(item: ResponseItem): unknown {
  return item.type === "unknown" ? item.raw : withoutId(item);
}

function withoutId(item: KnownItem): KnownItem {
  if (!("id" in item)) return item;
  const { id: _, ...rest } = item;
  return rest;
}
