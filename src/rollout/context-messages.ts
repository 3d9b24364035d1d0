import { type MessageItem, messageText, type ResponseItem } from "#protocol/items.ts";

/** How the messages begin that a program put into a conversation in the user's role. */
const CONTEXT_OPENINGS: readonly string[] = [
  "# AGENTS.md instructions",
  "<environment_context>",
  "<user_instructions>",
  "<turn_aborted>",
  "<user_action>",
  "<skill>",
  "<user_shell_command>",
  "<subagent_notification>",
];

/** Whether the text of a user message was written by a program and not by the user. */
export function isContextText(text: string): boolean {
  const start = text.trimStart();
  return CONTEXT_OPENINGS.some((opening) => start.startsWith(opening));
}

/** Whether an item is what the user said. */
export function isUserInput(item: ResponseItem): item is MessageItem {
  return item.type === "message" && item.role === "user" && !isContextText(messageText(item));
}

/** What stands around a picture in a message. */
const IMAGE_TAG = /^<\/?image\b[^<>]*>$/;

/** What the user has said in a history, a text for each message. */
export function userInputTexts(history: readonly ResponseItem[]): string[] {
  return history
    .filter(isUserInput)
    .map(({ content }) =>
      content.flatMap((part) => (part.type === "input_text" && !IMAGE_TAG.test(part.text) ? [part.text] : [])).join(""),
    );
}

/** Whether an item describes the session (permissions, AGENTS.md, environment) rather than continues it. */
export function isSessionContext(item: ResponseItem): item is MessageItem {
  if (item.type !== "message") return false;
  if (item.role === "developer") return true;
  return item.role === "user" && /^(?:# AGENTS\.md instructions|<environment_context>)/.test(messageText(item));
}

/**
 * The newest block of session context in a history: the run of context messages around its last
 * environment message. Empty when there is none.
 */
export function latestSessionContext(history: readonly ResponseItem[]): MessageItem[] {
  const last = history.findLastIndex(
    (item) => isSessionContext(item) && messageText(item).includes("<environment_context>"),
  );
  if (last === -1) return [];
  let start = last;
  while (start > 0 && isContextAt(history, start - 1)) start--;
  let end = last + 1;
  while (isContextAt(history, end)) end++;
  return history.slice(start, end).filter(isSessionContext);
}

function isContextAt(history: readonly ResponseItem[], index: number): boolean {
  const item = history[index];
  return item !== undefined && isSessionContext(item);
}
