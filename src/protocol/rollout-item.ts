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
  | { type: "exited_review_mode"; review_output: ReviewOutput | null }
  /** Whether the session may become memory, from here on. Ours; others skip it. */
  | { type: "memory_mode"; memory_mode: "enabled" | "disabled" | "polluted" }
  | ({ type: "memory_injection" } & MemoryInjectionRecord);

/** What of the memories a conversation was given, and what did not fit. Sizes are bytes of UTF-8. */
export interface MemoryInjectionRecord {
  /** When: a new session, a resumed one whose memories changed, or after a compaction. */
  reason: "start" | "resume" | "compaction";
  /** The session's project: a folder. */
  project: string;
  /** sha256 of the whole message. */
  sha256: string;
  /** Of the memories in the message, without the words around them. */
  bytes: number;
  budget_bytes: number;
  /** In the order of the message; a section that was cut away wholly has 0 bytes. */
  sections: { name: string; bytes: number; entries: number; cut_bytes: number; cut_entries: number }[];
  /** Projects that are only named, and how many names were cut. */
  other_projects: { named: number; cut: number };
  /** Threads that the injected entries cite. */
  thread_ids: string[];
}

/** One rollout line without its timestamp. */
export type RolloutItem =
  | { type: "session_meta"; payload: SessionMeta }
  | { type: "response_item"; payload: ResponseItem }
  | { type: "turn_context"; payload: TurnContextRecord }
  | { type: "event_msg"; payload: EventRecord }
  | { type: "compacted"; payload: { message: string; replacement_history?: ResponseItem[] } };
