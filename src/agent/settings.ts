import type { ApprovalPolicy, Personality, ReasoningEffort, ReasoningSummary, Verbosity } from "#protocol/policies.ts";
import type { SessionSource } from "#protocol/rollout-item.ts";
import type { ModelInfo } from "#providers/model-catalog.ts";
import type { SandboxContext } from "#sandbox/sandbox.ts";

/** What one thread runs with. Frozen when the thread starts; every turn of it reads the same values. */
export interface ThreadSettings {
  threadId: string;
  /** Absolute. */
  cwd: string;
  source: SessionSource;
  model: ModelInfo;
  effort: ReasoningEffort | undefined;
  summary: ReasoningSummary;
  verbosity: Verbosity | undefined;
  personality: Personality | undefined;
  /** The base prompt, sent as `instructions`. */
  baseInstructions: string;
  developerInstructions: string | undefined;
  /** The AGENTS.md text for `turn_context.user_instructions`. */
  userInstructions: string | undefined;
  approvalPolicy: ApprovalPolicy;
  sandbox: SandboxContext;
  /** Total tokens at which history is compacted; null = never automatically. */
  autoCompactLimit: number | null;
  compactPrompt: string;
  /** Visible stream retries (`stream_max_retries`). */
  streamMaxRetries: number;
  /** Value of the `x-openai-subagent` header, or undefined for a root thread. */
  subagent: string | undefined;
}

/** Tokens of the model's window that are usable, or null when the window is unknown. */
export function usableWindow(model: ModelInfo): number | null {
  return model.contextWindow === null ? null : Math.floor((model.contextWindow * model.effectiveWindowPercent) / 100);
}
