import { shellJoin } from "#lib/shell-join.ts";
import type { Event } from "#protocol/events.ts";
import type { RequestId } from "./json-rpc.ts";
import type { Peer } from "./peer.ts";

/** A model may think for minutes; clients give up on a call that is silent for longer than a minute. */
const REPEAT_MS = 15_000;
/** So that a long script does not fill a status line. */
const SHOWN_COMMAND = 120;

/** Tells a client that asked for it how a call gets on, and that it still does. */
export class Progress {
  readonly #peer: Peer;
  readonly #token: RequestId;
  readonly #timer: NodeJS.Timeout;
  #count = 0;
  #message = "Starting";

  constructor(peer: Peer, token: RequestId) {
    this.#peer = peer;
    this.#token = token;
    this.#timer = setInterval(() => this.#tell(), REPEAT_MS);
  }

  follow(event: Event): void {
    const message = progressText(event);
    if (message === undefined) return;
    this.#message = message;
    this.#tell();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tell(): void {
    const progress = ++this.#count;
    this.#peer.notify("notifications/progress", { progressToken: this.#token, progress, message: this.#message });
  }
}

/** What a person would want to be told of; undefined for everything else. */
function progressText(event: Event): string | undefined {
  switch (event.type) {
    case "turn_started":
      return "Thinking";
    case "command_started":
      return `Running ${shortened(shellJoin(event.command))}`;
    case "patch_started":
      return `Changing ${event.changes.map(({ path }) => path).join(", ")}`;
    case "mcp_tool_started":
      return `Calling ${event.server}.${event.tool}`;
    case "mcp_tool_progress":
      return event.message ?? undefined;
    case "web_search_started":
      return "Searching the web";
    case "approval_requested":
    case "elicitation_requested":
      return "Waiting for an answer";
    case "plan_updated":
      return event.update.plan.find(({ status }) => status === "in_progress")?.step;
    case "context_compaction_started":
      return "Summarizing the conversation";
    case "stream_error":
      return event.message;
    default:
      return undefined;
  }
}

function shortened(command: string): string {
  return command.length <= SHOWN_COMMAND ? command : `${command.slice(0, SHOWN_COMMAND)}…`;
}
