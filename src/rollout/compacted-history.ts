import { messageText, type ResponseItem, textMessage } from "#protocol/items.ts";
import { isUserInput } from "./context-messages.ts";

/** Tokens of the user's newest messages that survive a compaction (semantics of 0.101). */
const KEPT_USER_MESSAGE_TOKENS = 20_000;
const BYTES_PER_TOKEN = 4;

/**
 * The history after a compaction of which only the summary is recorded: the session context, the newest of
 * the user's messages, and the summary as a user message. Earlier summaries are replaced, not kept.
 */
export function compactedHistory(options: {
  context: readonly ResponseItem[];
  history: readonly ResponseItem[];
  summary: string;
  earlierSummaries: ReadonlySet<string>;
}): ResponseItem[] {
  const texts = options.history
    .filter(isUserInput)
    .map(messageText)
    .filter((text) => text !== "" && !options.earlierSummaries.has(text));
  const kept = keepNewest(texts).map((text) => textMessage("user", text));
  return [...options.context, ...kept, textMessage("user", options.summary)];
}

/** The newest texts within the budget, oldest first; the one that crosses it keeps its end. */
function keepNewest(texts: readonly string[]): string[] {
  const kept: string[] = [];
  let left = KEPT_USER_MESSAGE_TOKENS * BYTES_PER_TOKEN;
  for (const text of texts.toReversed()) {
    if (left <= 0) break;
    const bytes = Buffer.byteLength(text, "utf8");
    kept.push(bytes <= left ? text : lastBytes(text, left));
    left -= bytes;
  }
  return kept.reverse();
}

/** At most the last `count` bytes of a text, beginning at a whole character. */
function lastBytes(text: string, count: number): string {
  const bytes = Buffer.from(text, "utf8");
  let start = bytes.length - count;
  while (start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start++;
  return bytes.toString("utf8", start);
}
