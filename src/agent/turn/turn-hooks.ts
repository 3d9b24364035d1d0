import type { TurnId } from "#protocol/ids.ts";
import type { TokenUsage } from "#protocol/usage.ts";

/**
 * The user's hooks around turns. Those that answer reject with the turn's signal's reason when it is interrupted; the
 * others return at once. `contexts` are texts for the model.
 */
export interface TurnHooks {
  /** Before a user's message is recorded: `block` says why it must not be. */
  prompted(turn: HookedTurn, prompt: string): Promise<{ block: string | null; contexts: readonly string[] }>;
  /** A request to the model is about to leave. */
  requesting(turn: HookedTurn): void;
  /** It has ended, however. */
  responded(turn: HookedTurn, end: ModelRequestEnd): void;
  /** When the model has ended its work: `goOn` is what it is told when it must not stop yet. */
  stopping(turn: HookedTurn, end: TurnStop): Promise<{ goOn: string | null }>;
  /** The turn was interrupted. */
  interrupted(turn: HookedTurn): void;
  /** Before a compaction: `block` says why it must not be and the turn must end. */
  compacting(turn: HookedTurn, trigger: CompactTrigger): Promise<{ block: string | null }>;
  /** After a compaction. */
  compacted(turn: HookedTurn, trigger: CompactTrigger): Promise<{ block: string | null; contexts: readonly string[] }>;
}

/** The part of a turn that hooks are about. */
export interface HookedTurn {
  id: TurnId;
  signal: AbortSignal;
}

export type CompactTrigger = "manual" | "auto";

/** `error` is for people; `usage` null when the server reported none. */
export interface ModelRequestEnd {
  status: "completed" | "failed" | "cancelled";
  error: string | null;
  usage: TokenUsage | null;
}

export interface TurnStop {
  lastAgentMessage: string | null;
  /** How often hooks have kept this turn going already. */
  continuations: number;
}
