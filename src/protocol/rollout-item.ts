import type { ResponseItem } from "./items.ts";
import type { ApprovalPolicy, ReasoningEffort, ReasoningSummary, SandboxPolicy } from "./policies.ts";
import type { ReviewOutput, ReviewTarget } from "./review.ts";
import type { RateLimitSnapshot, TokenUsageInfo } from "./usage.ts";

/** Who started a session: a front end's name, or a sub-agent. */
export type SessionSource = "cli" | "vscode" | "exec" | "mcp" | "unknown" | { subagent: string };

/** First line of a rollout. Field order is the file's. */
export interface SessionMeta {
  id: string;
  timestamp: string;
  cwd: string;
  originator: string;
  cli_version: string;
  source: SessionSource;
  model_provider: string;
  base_instructions: { text: string };
  /** "disabled" when the session began with memory generation off; absent means enabled. */
  memory_mode?: string;
  git?: { commit_hash?: string; branch?: string; repository_url?: string };
}

/** The settings a sampling request was made with. */
export interface TurnContextRecord {
  turn_id: string;
  cwd: string;
  approval_policy: ApprovalPolicy;
  sandbox_policy: SandboxPolicy;
  model: string;
  personality?: string;
  collaboration_mode: {
    mode: string;
    settings: { model: string; reasoning_effort: ReasoningEffort | null; developer_instructions: string | null };
  };
  effort?: ReasoningEffort;
  summary: ReasoningSummary;
  user_instructions?: string;
  developer_instructions?: string;
  final_output_json_schema?: Record<string, unknown>;
  truncation_policy: { mode: "tokens" | "bytes"; limit: number };
}

/** Events worth keeping; everything else is derived from response items. */
export type EventRecord =
  | { type: "task_started"; turn_id: string; model_context_window: number | null; collaboration_mode_kind: string }
  | {
      type: "user_message";
      message: string;
      images: string[];
      local_images: string[];
      text_elements: unknown[];
    }
  | { type: "agent_message"; message: string }
  | { type: "agent_reasoning"; text: string }
  | { type: "agent_reasoning_raw_content"; text: string }
  | { type: "token_count"; info: TokenUsageInfo | null; rate_limits: RateLimitSnapshot | null }
  | { type: "task_complete"; turn_id: string; last_agent_message: string | null }
  | { type: "turn_aborted"; turn_id: string; reason: string }
  | { type: "context_compacted" }
  | ({ type: "entered_review_mode"; user_facing_hint: string } & { target: ReviewTarget })
  | { type: "exited_review_mode"; review_output: ReviewOutput | null };

/** One rollout line without its timestamp. */
export type RolloutItem =
  | { type: "session_meta"; payload: SessionMeta }
  | { type: "response_item"; payload: ResponseItem }
  | { type: "turn_context"; payload: TurnContextRecord }
  | { type: "event_msg"; payload: EventRecord }
  | { type: "compacted"; payload: { message: string; replacement_history?: ResponseItem[] } };
