import { basename } from "node:path";
import { type MessageItem, textMessage } from "#protocol/items.ts";

/** Tells the model where it works and which shell runs its commands (`shell` is its path or name). */
export function environmentMessage(environment: { cwd: string; shell: string }): MessageItem {
  const lines = [
    "<environment_context>",
    `  <cwd>${environment.cwd}</cwd>`,
    `  <shell>${basename(environment.shell)}</shell>`,
    "</environment_context>",
  ];
  return textMessage("user", lines.join("\n"));
}
