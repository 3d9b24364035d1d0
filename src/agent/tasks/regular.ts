import type { UserInput } from "#protocol/ops.ts";
import { compactHistory } from "../compact/run.ts";
import { shouldCompact } from "../compact/when.ts";
import type { ThreadState } from "../thread-state.ts";
import { failedTurn, runTurn, type TurnEnd } from "../turn/run-turn.ts";
import type { Turn, TurnDeps } from "../turn/turn-deps.ts";
import { userMessage, userMessageRecord } from "./user-input.ts";

/** A turn the user asked for: make room if needed, record what was said, let the model work. */
export async function regularTask(
  deps: TurnDeps,
  state: ThreadState,
  turn: Turn,
  input: readonly UserInput[],
): Promise<TurnEnd> {
  if (shouldCompact(state)) {
    const failure = await compactHistory(deps, state, turn);
    if (failure !== null) return failedTurn(failure, state);
  }
  state.recordItems([await userMessage(input)]);
  state.recordEvent(userMessageRecord(input));
  return runTurn(deps, state, turn);
}
