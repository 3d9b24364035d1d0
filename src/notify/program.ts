import { messageOf } from "#lib/errors.ts";
import { wellFormedJson } from "#lib/jsonl.ts";

/** What a `notify` program is told when a turn has ended. */
export interface TurnNotification {
  threadId: string;
  turnId: string;
  cwd: string;
  /** Texts of the user's messages that started the turn. */
  inputMessages: readonly string[];
  lastAgentMessage: string | null;
}

/** Linux refuses a single argument of 128 KiB or more (`MAX_ARG_STRLEN`). */
const MAX_ARGUMENT_BYTES = 128 * 1024 - 1;

/**
 * Starts the `notify` program with the payload as its last argument and does not wait for it: it runs in a
 * session of its own and outlives this process, in the folder this process was started in (the session's is
 * in the payload). `env` is its whole environment, credentials already removed. Returns null, or a warning
 * when the program could not be started.
 */
export function notifyTurnComplete(
  command: readonly string[],
  notification: TurnNotification,
  options: { env: Readonly<Record<string, string>> },
): string | null {
  const [program] = command;
  if (program === undefined || program === "") return null;
  try {
    const child = Bun.spawn([...command, notificationPayload(notification)], {
      env: { ...options.env },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
      detached: true,
    });
    child.unref();
    return null;
  } catch (error) {
    return `Cannot start the notify program "${program}": ${messageOf(error)}`;
  }
}

/** The JSON argument. Texts are shortened, longest first, when it would be too long for one argument. */
export function notificationPayload(notification: TurnNotification): string {
  let { inputMessages, lastAgentMessage } = notification;
  while (true) {
    const json = wellFormedJson({
      type: "agent-turn-complete",
      "thread-id": notification.threadId,
      "turn-id": notification.turnId,
      cwd: notification.cwd,
      "input-messages": inputMessages,
      "last-assistant-message": lastAgentMessage,
    });
    const excess = Buffer.byteLength(json) - MAX_ARGUMENT_BYTES;
    if (excess <= 0) return json;
    const longestInput = Math.max(0, ...inputMessages.map((text) => text.length));
    if (lastAgentMessage !== null && lastAgentMessage.length >= longestInput) {
      lastAgentMessage = shortened(lastAgentMessage);
    } else if (longestInput <= 1) {
      // Nothing left to shorten: it is the number of messages, of which the newest say most.
      inputMessages = inputMessages.slice(Math.ceil(inputMessages.length / 2));
    } else {
      inputMessages = inputMessages.map((text) => (text.length === longestInput ? shortened(text) : text));
    }
  }
}

/** The first half of a text with a mark that something is missing. */
function shortened(text: string): string {
  return `${text.slice(0, Math.floor(text.length / 2))}…`;
}
