import { toJsonLine } from "#lib/jsonl.ts";
import { shellJoin } from "#lib/shell-join.ts";
import { truncateMiddle } from "#lib/truncate.ts";
import type { Event } from "#protocol/events.ts";
import { type WebSearchAction, webSearchQuery } from "#protocol/items.ts";
import type { McpCallResult } from "#protocol/mcp.ts";
import type { PlanUpdate } from "#protocol/plan.ts";
import { type TokenUsage, ZERO_USAGE } from "#protocol/usage.ts";
import type { ExecOutput } from "./output.ts";

/** Events as one JSON object a line on standard output (`--json`), the format programs drive Codex by. */
export class JsonOutput implements ExecOutput {
  readonly #write: (line: string) => void;
  readonly #commands = new Map<string, string>();
  readonly #calls = new Map<string, string>();
  #nextItem = 0;
  #planItem: { id: string; items: TodoItem[] } | undefined;
  #webSearches = new Set<string>();
  #usage: TokenUsage = ZERO_USAGE;

  /** `write` gets whole lines, newline included. */
  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  handle(event: Event): void {
    switch (event.type) {
      case "thread_started":
        return this.#line({ type: "thread.started", thread_id: event.threadId });
      case "turn_started":
        return this.#line({ type: "turn.started" });
      case "warning":
        return this.#completed({ type: "error", message: event.message });
      case "stream_error":
      case "error":
        return this.#line({ type: "error", message: event.message });
      case "agent_message":
        return this.#completed({ type: "agent_message", text: event.text });
      case "reasoning":
        for (const text of event.summary) this.#completed({ type: "reasoning", text });
        return;
      case "web_search_started":
        return this.#webSearchStarted(event.callId);
      case "web_search":
        return this.#webSearchDone(event.callId, event.action);
      case "command_started":
        return this.#commandStarted(event);
      case "command_finished":
        return this.#commandFinished(event);
      case "patch_finished":
        return this.#patchFinished(event);
      case "mcp_tool_started":
        return this.#mcpStarted(event);
      case "mcp_tool_finished":
        return this.#mcpFinished(event);
      case "plan_updated":
        return this.#planUpdated(event.update);
      case "token_count":
        if (event.info !== null) this.#usage = event.info.total_token_usage;
        return;
      case "entered_review":
        this.#usage = ZERO_USAGE;
        return;
      case "turn_completed":
        return this.#turnCompleted();
      case "turn_failed":
        return this.#line({ type: "turn.failed", error: { message: event.message } });
      default:
        return;
    }
  }

  #commandStarted(event: Extract<Event, { type: "command_started" }>): void {
    const id = this.#itemId();
    this.#commands.set(event.callId, id);
    this.#line({ type: "item.started", item: commandItem(id, event.command, "", null, "in_progress") });
  }

  #commandFinished(event: Extract<Event, { type: "command_finished" }>): void {
    const id = this.#commands.get(event.callId) ?? this.#itemId();
    this.#commands.delete(event.callId);
    const status = event.exitCode === 0 || event.exitCode === null ? "completed" : "failed";
    this.#line({
      type: "item.completed",
      item: commandItem(id, event.command, event.output, event.exitCode, status),
    });
  }

  #mcpStarted(event: Extract<Event, { type: "mcp_tool_started" }>): void {
    const id = this.#itemId();
    this.#calls.set(event.callId, id);
    this.#line({
      type: "item.started",
      item: mcpItem(id, event, { result: null, error: null, status: "in_progress" }),
    });
  }

  #mcpFinished(event: Extract<Event, { type: "mcp_tool_finished" }>): void {
    const id = this.#calls.get(event.callId) ?? this.#itemId();
    this.#calls.delete(event.callId);
    const { result, error } = event;
    const shown =
      result === null ? null : { content: shownContent(result), structured_content: result.structuredContent };
    const item = mcpItem(id, event, {
      result: shown,
      error: error === null ? null : { message: error },
      status: error === null && result?.isError !== true ? "completed" : "failed",
    });
    this.#line({ type: "item.completed", item });
  }

  #patchFinished(event: Extract<Event, { type: "patch_finished" }>): void {
    this.#completed({
      type: "file_change",
      changes: event.changes.map(({ path, kind }) => ({ path, kind })),
      status: event.success ? "completed" : "failed",
    });
  }

  #planUpdated(update: PlanUpdate): void {
    const items = update.plan.map((step) => ({ text: step.step, completed: step.status === "completed" }));
    const type = this.#planItem === undefined ? "item.started" : "item.updated";
    this.#planItem = { id: this.#planItem?.id ?? this.#itemId(), items };
    this.#line({ type, item: { id: this.#planItem.id, type: "todo_list", items } });
  }

  #webSearchStarted(callId: string): void {
    this.#itemId();
    this.#webSearches.add(callId);
    this.#line({
      type: "item.started",
      item: { id: callId, type: "web_search", query: "", action: { type: "other" } },
    });
  }

  #webSearchDone(callId: string, action: WebSearchAction): void {
    if (!this.#webSearches.delete(callId)) this.#itemId();
    this.#line({
      type: "item.completed",
      item: { id: callId, type: "web_search", query: webSearchQuery(action), action },
    });
  }

  #turnCompleted(): void {
    if (this.#planItem !== undefined) {
      const { id, items } = this.#planItem;
      this.#planItem = undefined;
      this.#line({ type: "item.completed", item: { id, type: "todo_list", items } });
    }
    const { input_tokens, cached_input_tokens, output_tokens } = this.#usage;
    this.#line({ type: "turn.completed", usage: { input_tokens, cached_input_tokens, output_tokens } });
  }

  #completed(item: Record<string, unknown>): void {
    this.#line({ type: "item.completed", item: { id: this.#itemId(), ...item } });
  }

  #itemId(): string {
    return `item_${this.#nextItem++}`;
  }

  #line(object: Record<string, unknown>): void {
    this.#write(toJsonLine(object));
  }
}

interface TodoItem {
  text: string;
  completed: boolean;
}

function commandItem(
  id: string,
  command: readonly string[],
  output: string,
  exitCode: number | null,
  status: "in_progress" | "completed" | "failed",
): Record<string, unknown> {
  return {
    id,
    type: "command_execution",
    command: shellJoin(command),
    aggregated_output: output,
    exit_code: exitCode,
    status,
  };
}

function mcpItem(
  id: string,
  call: { server: string; tool: string; arguments: unknown },
  outcome: { result: unknown; error: unknown; status: "in_progress" | "completed" | "failed" },
): Record<string, unknown> {
  return { id, type: "mcp_tool_call", server: call.server, tool: call.tool, arguments: call.arguments, ...outcome };
}

/** A text longer than this is cut in the middle, as a command's output is; programs get lines they can hold. */
const SHOWN_TEXT_BYTES = 1 << 20;

function shownContent({ content }: McpCallResult): unknown[] {
  return content.map((block) => {
    if (typeof block.text !== "string" || block.text.length <= SHOWN_TEXT_BYTES) return block;
    return { ...block, text: truncateMiddle(block.text, { mode: "bytes", limit: SHOWN_TEXT_BYTES }) };
  });
}
