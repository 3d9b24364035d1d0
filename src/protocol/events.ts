import type { ApprovalRequest, ElicitationRequest } from "./approvals.ts";
import type { FileChange } from "./file-change.ts";
import type { ThreadId, TurnId } from "./ids.ts";
import type { ResponseItem, WebSearchAction } from "./items.ts";
import type { McpCallResult } from "./mcp.ts";
import type { PlanUpdate } from "./plan.ts";
import type { ReviewOutput, ReviewTarget } from "./review.ts";
import type { RateLimitSnapshot, TokenUsageInfo } from "./usage.ts";

/** Why the host of a model answers no more. */
export type RefusalKind = "context_window" | "usage_limit" | "quota" | "bad_request" | "overloaded" | "auth";

/** What a thread tells its front ends, in order. Nothing here is a wire format; each front end maps it. */
export type Event =
  | { type: "thread_started"; threadId: ThreadId; rolloutPath: string | null }
  | { type: "turn_started"; turnId: TurnId; modelContextWindow: number | null }
  /** A notice to a person that does not end anything. */
  | { type: "warning"; message: string }
  /** A hook of this event (`PreToolUse`) that has something to say to people begins. */
  | { type: "hook_started"; event: string; message: string }
  /** Hooks of this event keep something from going on that people would not see otherwise. */
  | { type: "hook_blocked"; event: string; reason: string }
  /** A stream retry: `message` is the full "Reconnecting... n/5 (…)" text. */
  | { type: "stream_error"; message: string }
  /** `phase` is what some models call a message: "commentary", "final_answer". */
  | { type: "agent_message_delta"; itemId: string; delta: string; phase?: string }
  | { type: "agent_message"; itemId: string; text: string; phase?: string }
  | { type: "reasoning_delta"; itemId: string; summaryIndex: number; delta: string }
  /** Of the thoughts themselves, where the model's host shows them. */
  | { type: "reasoning_raw_delta"; itemId: string; contentIndex: number; delta: string }
  | { type: "reasoning"; itemId: string; summary: string[]; raw: string[] }
  /** Always before its `web_search`. `action` is `other` while it is not known what is searched. */
  | { type: "web_search_started"; callId: string; action: WebSearchAction }
  | { type: "web_search"; callId: string; action: WebSearchAction }
  /** `processId` is its number among the commands of the process. */
  | { type: "command_started"; callId: string; command: string[]; cwd: string; processId?: number }
  | { type: "command_output"; callId: string; chunk: Uint8Array }
  /** The model has typed this into a command that runs, or has only looked at it (empty). */
  | { type: "command_input"; callId: string; processId: number; text: string }
  | {
      type: "command_finished";
      callId: string;
      command: string[];
      cwd: string;
      /** stdout and stderr in arrival order, invalid UTF-8 replaced. */
      output: string;
      /** null when the command was killed with the turn, or still ran at the end of a thread's last one. */
      exitCode: number | null;
      durationMs: number;
    }
  /** `autoApproved` is false when a person is asked before it is written. */
  | { type: "patch_started"; callId: string; changes: FileChange[]; autoApproved: boolean }
  | {
      type: "patch_finished";
      callId: string;
      changes: FileChange[];
      success: boolean;
      output: string;
      durationMs: number;
    }
  /** A server whose tools are needed, or that is called, begins to run; told once per start. */
  | { type: "mcp_server_starting"; server: string }
  | { type: "mcp_server_ready"; server: string }
  | { type: "mcp_server_failed"; server: string; message: string }
  /** Every server that had to be waited for is ready or has failed. */
  | { type: "mcp_startup_complete"; ready: readonly string[]; failed: readonly string[] }
  | { type: "mcp_tool_started"; callId: string; server: string; tool: string; arguments: unknown }
  /** A server tells how far a call has got. `total` and `message` are null where it does not say. */
  | { type: "mcp_tool_progress"; callId: string; progress: number; total: number | null; message: string | null }
  | {
      type: "mcp_tool_finished";
      callId: string;
      server: string;
      /** As the server spells it. */
      tool: string;
      arguments: unknown;
      /** null when there was none; then `error` says why. */
      result: McpCallResult | null;
      error: string | null;
      durationMs: number;
    }
  /** The turn waits for an `approval_answer` with this id. Only where the front end said it can ask. */
  | { type: "approval_requested"; requestId: string; turnId: TurnId; request: ApprovalRequest }
  /** An MCP server waits for an `elicitation_answer` with this id. Only where the front end said it can ask. */
  | { type: "elicitation_requested"; requestId: string; turnId: TurnId; request: ElicitationRequest }
  /** The question is no longer open: it was answered, or its turn ended. */
  | { type: "question_closed"; requestId: string }
  /** An item became part of the history, as it is on the wire. */
  | { type: "raw_response_item"; item: ResponseItem }
  | { type: "plan_updated"; update: PlanUpdate }
  | { type: "turn_diff"; unifiedDiff: string }
  | { type: "token_count"; info: TokenUsageInfo | null; rateLimits: RateLimitSnapshot | null }
  /** The model is about to be asked for a summary; without a `context_compacted` after it, that failed. */
  | { type: "context_compaction_started" }
  | { type: "context_compacted" }
  | { type: "entered_review"; target: ReviewTarget; hint: string }
  | { type: "exited_review"; output: ReviewOutput | null; text: string | null }
  /** `kind` is there when the model's host refused, and says why. */
  | { type: "error"; message: string; kind?: RefusalKind }
  | { type: "turn_completed"; turnId: TurnId; lastAgentMessage: string | null }
  /** Always preceded by an `error` event with the same message. */
  | { type: "turn_failed"; turnId: TurnId; message: string }
  | { type: "turn_aborted"; turnId: TurnId; reason: "interrupted" | "replaced" }
  | { type: "shutdown_complete" };
