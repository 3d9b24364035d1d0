import { assertNever } from "#lib/errors.ts";
import { uuidv7 } from "#lib/ids.ts";
import type { Event } from "#protocol/events.ts";
import { messageText, type ResponseItem } from "#protocol/items.ts";
import { approvalMsg } from "./approval-elicitation.ts";
import { type EventMsg, errorInfo, rawItem, streamError } from "./event-msg.ts";
import { ImageMessages, imageUrls } from "./image-messages.ts";
import { type ItemEvent, ItemMessages } from "./item-messages.ts";
import { type ToolEvent, ToolMessages } from "./tool-messages.ts";

/**
 * Turns the events of one session into the messages Codex CLI sends for them, which are finer: items have a beginning
 * and an end, and most things are told twice, as an item and in the older form.
 */
export class EventMap {
  readonly #items: ItemMessages;
  readonly #tools = new ToolMessages();
  readonly #images: ImageMessages;
  #turnId = "";
  /** The user's words of the turn, until they have become history. */
  #prompt: string | undefined;

  constructor(session: { threadId: string; cwd: string; showRawReasoning: boolean }) {
    this.#images = new ImageMessages(session.cwd);
    this.#items = new ItemMessages(session);
  }

  /** From here on events belong to this turn. */
  beginTurn(turnId: string, prompt: string): void {
    this.#turnId = turnId;
    this.#prompt = prompt;
    this.#items.beginTurn(turnId);
    this.#tools.beginTurn(turnId);
  }

  /** The turn an event belongs to, when it is known to be an earlier one. */
  turnOf(event: Event): string | undefined {
    return event.type === "command_output" || event.type === "command_finished"
      ? this.#tools.turnOfCommand(event.callId)
      : undefined;
  }

  /** The messages for an event, in order. */
  messages(event: Event): EventMsg[] {
    switch (event.type) {
      case "agent_message_delta":
      case "agent_message":
      case "reasoning_delta":
      case "reasoning_raw_delta":
      case "reasoning":
      case "web_search_started":
      case "web_search":
        return this.#items.messages(event);
      case "command_started":
      case "command_output":
      case "command_input":
      case "command_finished":
      case "patch_started":
      case "patch_finished":
      case "mcp_server_starting":
      case "mcp_server_ready":
      case "mcp_server_failed":
      case "mcp_startup_complete":
      case "mcp_tool_started":
      case "mcp_tool_finished":
        return [this.#tools.message(event)];
      default:
        return this.#plain(event);
    }
  }

  #plain(event: Exclude<Event, ItemEvent | ToolEvent>): EventMsg[] {
    switch (event.type) {
      case "turn_started":
        return [this.#taskStarted(event.modelContextWindow)];
      case "raw_response_item":
        return this.#rawItem(event.item);
      case "warning":
        return [{ type: "warning", message: event.message }];
      case "hook_started":
        return [{ type: "background_event", message: event.message }];
      case "hook_blocked":
        return [{ type: "background_event", message: `${event.event} blocked: ${event.reason}` }];
      case "stream_error":
        return [streamError(event.message)];
      case "error":
        return [{ type: "error", message: event.message, codex_error_info: errorInfo(event) }];
      case "plan_updated":
        return [{ type: "plan_update", explanation: event.update.explanation ?? null, plan: event.update.plan }];
      case "turn_diff":
        return [{ type: "turn_diff", unified_diff: event.unifiedDiff }];
      case "token_count":
        return [{ type: "token_count", info: event.info, rate_limits: event.rateLimits }];
      case "context_compaction_started":
        return this.#items.compactionStarted();
      case "context_compacted":
        return this.#items.compacted();
      case "entered_review":
        return [{ type: "entered_review_mode", target: event.target, user_facing_hint: event.hint }];
      case "exited_review":
        return [{ type: "exited_review_mode", review_output: event.output }];
      case "approval_requested":
        return approvalMsg(event.request, this.#turnId);
      case "elicitation_requested": {
        const { server, message } = event.request;
        return [{ type: "elicitation_request", server_name: server, id: event.requestId, message }];
      }
      case "turn_completed":
        return [{ type: "task_complete", turn_id: this.#turnId, last_agent_message: event.lastAgentMessage }];
      case "turn_aborted":
        return [{ type: "turn_aborted", turn_id: this.#turnId, reason: event.reason }];
      // The first is told by `session_configured`, the failure by the `error` before it; the others have no message.
      case "thread_started":
      case "mcp_tool_progress":
      case "turn_failed":
      case "question_closed":
      case "shutdown_complete":
        return [];
      default:
        return assertNever(event);
    }
  }

  #taskStarted(window: number | null): EventMsg {
    const mode = { collaboration_mode_kind: "default" };
    return { type: "task_started", turn_id: this.#turnId, model_context_window: window, ...mode };
  }

  /** Messages of the user's are also told as items, once they are history. */
  #rawItem(item: ResponseItem): EventMsg[] {
    this.#tools.noteItem(item);
    const raw = [...this.#images.before(item), { type: "raw_response_item", item: rawItem(item) }];
    if (item.type !== "message" || item.role !== "user") return raw;
    const urls = imageUrls(item);
    if (urls.length > 0) {
      const content = urls.map((image_url) => ({ type: "image", image_url }));
      return [...raw, ...this.#userMessage("", urls, content)];
    }
    const prompt = this.#prompt;
    if (prompt === undefined || messageText(item) !== prompt) return raw;
    this.#prompt = undefined;
    return [...raw, ...this.#userMessage(prompt, [], [{ type: "text", text: prompt, text_elements: [] }])];
  }

  #userMessage(message: string, images: string[], content: Record<string, unknown>[]): EventMsg[] {
    return [
      ...this.#items.whole({ type: "UserMessage", id: uuidv7(), content }),
      { type: "user_message", message, images, local_images: [], text_elements: [] },
    ];
  }
}
