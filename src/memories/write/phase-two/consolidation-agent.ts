import type { UnixSeconds } from "#state/rows.ts";
import type { Reservation } from "#state/store.ts";

/** What the consolidating thread may use up. */
export interface ConsolidationBounds {
  /** Model calls. */
  maxRounds: number;
  /** Input and output tokens of all calls together. */
  maxTokens: number;
  /** Wall time in seconds. */
  maxSeconds: number;
}

/** Enough for a thousand memories, and an end for a model that goes in circles. */
export const CONSOLIDATION_BOUNDS: ConsolidationBounds = { maxRounds: 60, maxTokens: 600_000, maxSeconds: 1200 };

/** The token budget as one consolidation sees it. */
export interface CallLedger {
  /** To ask before each call, with the estimated input and the most output. Refused: make no call. */
  reserve(tokens: number): Promise<Reservation>;
  settle(id: number, usage: { inputTokens: number; cachedInputTokens: number; outputTokens: number }): Promise<void>;
  /** The call ended without a usage: its reservation stays counted. */
  lose(id: number): Promise<void>;
}

/** A job for one agent thread: `folder` is its cwd and only writable place, `prompt` its only user message. */
export interface ConsolidationRequest {
  folder: string;
  prompt: string;
  bounds: ConsolidationBounds;
  ledger: CallLedger;
  signal: AbortSignal;
}

/** Only a turn that ended by itself is completed; a thread over one of its bounds has failed. */
export type ConsolidationStatus =
  | { status: "completed" }
  | { status: "failed"; error: string }
  | { status: "over_budget"; retryAt: UnixSeconds };

/**
 * Runs the thread to its end: approvals never, no network, web search, sub-agents, MCP servers or hooks, ephemeral,
 * unseen by the user. Rejects with the signal's reason when aborted.
 */
export type ConsolidationAgent = (request: ConsolidationRequest) => Promise<ConsolidationStatus>;

/** A model that may consolidate. */
export interface ModelConsolidator {
  type: "model";
  /** Whether nothing else may take its place when the day's tokens are spent. */
  required: boolean;
  agent: ConsolidationAgent;
  provider: string;
  model: string;
  /** The user named this provider for all threads; otherwise it sees only those it served. */
  seesAll: boolean;
  dailyTokenBudget: number;
}

/** Whether a model may see what came from a provider's threads. */
export function mayShow(model: ModelConsolidator, provider: string): boolean {
  return model.seesAll || provider === model.provider;
}
