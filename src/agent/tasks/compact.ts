import { compactHistory } from "../compact/run.ts";
import type { ThreadState } from "../thread-state.ts";
import { failedTurn, type TurnEnd } from "../turn/run-turn.ts";
import type { Turn, TurnDeps } from "../turn/turn-deps.ts";

/** Compaction the user asked for. */
export async function compactTask(deps: TurnDeps, state: ThreadState, turn: Turn): Promise<TurnEnd> {
  const failure = await compactHistory(deps, state, turn, "manual");
  return failure === null ? { type: "completed", lastAgentMessage: null } : failedTurn(failure, state);
}
