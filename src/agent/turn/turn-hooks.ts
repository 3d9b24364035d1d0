import type { TurnId } from "#protocol/ids.ts";

/**
 * The user's hooks around turns. Each rejects with the turn's signal's reason when it is interrupted. `contexts` are
 * texts for the model.
 */
export interface TurnHooks {
  /** Before a user's message is recorded: `block` says why it must not be. */
  prompted(turn: HookedTurn, prompt: string): Promise<{ block: string | null; contexts: readonly string[] }>;
  /** When the model has ended its work: `goOn` is what it is told when it must not stop yet. */
  stopping(turn: HookedTurn, end: TurnStop): Promise<{ goOn: string | null }>;
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

export interface TurnStop {
  lastAgentMessage: string | null;
  /** How often hooks have kept this turn going already. */
  continuations: number;
}
