import { textMessage } from "#protocol/items.ts";
import type { UserInput } from "#protocol/ops.ts";
import { compactHistory } from "../compact/run.ts";
import { shouldCompact } from "../compact/when.ts";
import type { ThreadState } from "../thread-state.ts";
import { failedTurn, runTurn, type TurnEnd } from "../turn/run-turn.ts";
import type { Turn, TurnDeps } from "../turn/turn-deps.ts";
import { inputText, userMessage, userMessageRecord } from "./user-input.ts";

/** A turn the user asked for: make room if needed, record what was said, let the model work. */
export async function regularTask(
  deps: TurnDeps,
  state: ThreadState,
  turn: Turn,
  input: readonly UserInput[],
): Promise<TurnEnd> {
  const hooked = await deps.hooks?.prompted(turn, inputText(input));
  if (hooked !== undefined && hooked.block !== null) {
    return { type: "failed", message: `A hook blocked the prompt: ${hooked.block}` };
  }
  if (shouldCompact(state)) {
    const failure = await compactHistory(deps, state, turn, "auto");
    if (failure !== null) return failedTurn(failure, state);
  }
  const contexts = (hooked?.contexts ?? []).map((text) => textMessage("developer", text));
  state.recordItems([await userMessage(input), ...contexts]);
  state.recordEvent(userMessageRecord(input));
  return runTurn(deps, state, turn);
}
