import { type MessageItem, messageText, type ResponseItem, textMessage } from "#protocol/items.ts";
import summaryPrefix from "../prompts/summary-prefix.md" with { type: "text" };

/** Tokens (bytes / 4) of the newest user messages that survive a compaction (semantics of Codex 0.101). */
export const KEPT_USER_MESSAGE_TOKENS = 20_000;

const PREFIX = summaryPrefix.trim();

/** The summary as the history keeps it. */
export function summaryMessage(summary: string): MessageItem {
  return textMessage("user", `${PREFIX}\n${summary}`);
}

/** Whether a user message is an earlier compaction's summary. */
export function isSummaryMessage(text: string): boolean {
  return text.startsWith(`${PREFIX}\n`);
}

/**
 * The texts a person wrote, oldest first: user messages that are neither context blocks (AGENTS.md,
 * environment, interruption markers) nor earlier summaries.
 */
export function userMessages(items: readonly ResponseItem[]): string[] {
  const texts: string[] = [];
  for (const item of items) {
    if (item.type !== "message" || item.role !== "user") continue;
    const text = messageText(item);
    if (text !== "" && !isContextText(text) && !isSummaryMessage(text)) texts.push(text);
  }
  return texts;
}

/** Whether a user-role message was written by the program and not by the user. */
export function isContextText(text: string): boolean {
  return CONTEXT_STARTS.some((start) => text.startsWith(start));
}

const CONTEXT_STARTS = [
  "<environment_context>",
  "# AGENTS.md instructions for ",
  "<user_instructions>",
  "<turn_aborted>",
  "<user_action>",
  "<skill>",
];

/** The newest user messages within the budget, oldest first; the one that crosses it keeps its end. */
export function keepNewest(texts: readonly string[], budgetTokens: number = KEPT_USER_MESSAGE_TOKENS): string[] {
  const kept: string[] = [];
  let left = budgetTokens * 4;
  for (const text of texts.toReversed()) {
    if (left <= 0) break;
    const bytes = Buffer.byteLength(text, "utf8");
    kept.push(bytes <= left ? text : lastBytes(text, left));
    left -= bytes;
  }
  return kept.reverse();
}

function lastBytes(text: string, bytes: number): string {
  const all = Buffer.from(text, "utf8");
  let start = all.length - bytes;
  while (start < all.length && ((all[start] ?? 0) & 0xc0) === 0x80) start++;
  return all.toString("utf8", start);
}

/** The history after compaction: fresh context, the user's recent words, the summary. */
export function rebuiltHistory(
  initial: readonly ResponseItem[],
  before: readonly ResponseItem[],
  summary: string,
): ResponseItem[] {
  const kept = keepNewest(userMessages(before)).map((text) => textMessage("user", text));
  return [...initial, ...kept, summaryMessage(summary)];
}
