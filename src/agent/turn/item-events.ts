import { stripCitations } from "#memories/read/citations.ts";
import type { MessageItem, ReasoningItem, ResponseItem, WebSearchAction, WebSearchCallItem } from "#protocol/items.ts";
import type { EventRecord } from "#protocol/rollout-item.ts";
import { assistantText } from "../context/history.ts";
import type { ThreadState } from "../thread-state.ts";

/** Tells front ends that the model's host searches, worth showing before it is done. */
export function emitStartedSearch(item: WebSearchCallItem, state: ThreadState): void {
  state.emit({ type: "web_search_started", callId: webSearchId(item), action: actionOf(item) });
}

/** Tells front ends what a finished item says. Tool calls speak for themselves when they run. */
export function emitFinishedItem(item: ResponseItem, state: ThreadState): void {
  switch (item.type) {
    case "message":
      for (const text of shownTexts(item)) {
        state.emit({ type: "agent_message", itemId: item.id ?? "", text, ...phaseOf(item) });
      }
      break;
    case "reasoning":
      state.emit({ type: "reasoning", itemId: item.id ?? "", summary: summaryParts(item), raw: rawParts(item) });
      break;
    case "web_search_call":
      state.emit({ type: "web_search", callId: webSearchId(item), action: actionOf(item) });
      break;
    default:
      break;
  }
}

/** The event lines that accompany an item in the rollout, before the item itself. */
export function itemEventRecords(item: ResponseItem): EventRecord[] {
  switch (item.type) {
    case "message":
      return shownTexts(item).map((message): EventRecord => ({ type: "agent_message", message }));
    case "reasoning":
      return [
        ...summaryParts(item).map((text): EventRecord => ({ type: "agent_reasoning", text })),
        ...rawParts(item).map((text): EventRecord => ({ type: "agent_reasoning_raw_content", text })),
      ];
    default:
      return [];
  }
}

/** The key `phase` of a message that has one. */
export function phaseOf({ phase }: MessageItem): { phase?: string } {
  return phase === undefined ? {} : { phase };
}

/** What the user sees of a message: nothing of one that is only for the program. */
function shownTexts(item: MessageItem): string[] {
  if (item.role !== "assistant") return [];
  const text = assistantText(item);
  const shown = stripCitations(text);
  return shown === "" && text !== "" ? [] : [shown];
}

function summaryParts(item: ReasoningItem): string[] {
  return item.summary.map((part) => part.text);
}

function rawParts(item: ReasoningItem): string[] {
  return (item.content ?? []).map((part) => part.text);
}

function actionOf({ action }: WebSearchCallItem): WebSearchAction {
  return action ?? { type: "other" };
}

function webSearchId(item: WebSearchCallItem): string {
  return item.id ?? "";
}
