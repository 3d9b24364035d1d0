import { stripCitations } from "#memories/read/citations.ts";
import type { RefusalKind } from "#protocol/events.ts";
import { textMessage } from "#protocol/items.ts";
import { compactHistory } from "../compact/run.ts";
import { shouldCompact } from "../compact/when.ts";
import type { ThreadState } from "../thread-state.ts";
import { turnRequest } from "./request.ts";
import { sample } from "./sample.ts";
import type { FinalFailure } from "./stream-retries.ts";
import { turnContextRecord } from "./turn-context-record.ts";
import type { Turn, TurnDeps } from "./turn-deps.ts";

/** How the rounds of a turn ended. An interruption is not here: it rejects with the signal's reason. */
export type TurnEnd =
  | { type: "completed"; lastAgentMessage: string | null }
  | { type: "failed"; message: string; kind?: RefusalKind };

/**
 * Asks the model round after round until it calls no more tools, compacting between rounds when the
 * context has reached its limit. The caller has recorded the user's message.
 */
export async function runTurn(deps: TurnDeps, state: ThreadState, turn: Turn): Promise<TurnEnd> {
  await deps.toolsReady(turn.signal);
  const metadata = await deps.turnMetadata();
  let from = state.history.items.length;
  let continuations = 0;
  while (true) {
    state.record({ type: "turn_context", payload: turnContextRecord(state.settings, turn) });
    // Tools of a server that has come up, or has changed its list, are offered from the next request on.
    const tools = () => deps.registry.list(state.settings.model);
    const outcome = await sample(deps, state, turn, () => turnRequest(state, turn, tools(), metadata));
    if (outcome.type === "failed") return failedTurn(outcome.failure, state);
    if (outcome.calls === 0) {
      const lastAgentMessage = shownAnswer(state, from);
      const stop = await deps.hooks?.stopping(turn, { lastAgentMessage, continuations });
      if (stop === undefined || stop.goOn === null) return { type: "completed", lastAgentMessage };
      continuations++;
      state.recordItems([textMessage("user", stop.goOn)]);
    }
    if (!shouldCompact(state)) continue;
    const failure = await compactHistory(deps, state, turn, "auto");
    if (failure !== null) return failedTurn(failure, state);
    from = state.history.items.length;
  }
}

function shownAnswer(state: ThreadState, from: number): string | null {
  const text = state.history.lastAssistantMessage(from);
  return text === null ? null : stripCitations(text);
}

/** What a final model failure makes of a turn. */
export function failedTurn(failure: FinalFailure, state: ThreadState): TurnEnd {
  if (failure.kind === "context_window") state.markWindowFull();
  const { message, kind } = failure;
  return kind === "other" || kind === "aborted" ? { type: "failed", message } : { type: "failed", message, kind };
}
