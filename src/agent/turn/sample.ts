import { raceAbort } from "#lib/abort.ts";
import type { ModelRequest } from "#providers/model-client.ts";
import { outputItems } from "#tools/route.ts";
import { ABORTED_OUTPUT } from "../context/normalize.ts";
import type { ThreadState } from "../thread-state.ts";
import { type PendingCall, streamAttempt } from "./stream-attempt.ts";
import { type FinalFailure, retryStreams } from "./stream-retries.ts";
import { toolContext } from "./tool-context.ts";
import type { Turn, TurnDeps } from "./turn-deps.ts";

/** How one round of asking the model ended. */
export type SampleOutcome =
  /** `calls` tool outputs were added to history: the model wants another round when it is not 0. */
  { type: "completed"; calls: number } | { type: "failed"; failure: FinalFailure };

/**
 * One answer of the model, through as many streams as it takes. `makeRequest` is asked again for every
 * stream, since a broken one may have left finished tool calls in history. Rejects with the signal's
 * reason when the turn is interrupted.
 */
export async function sample(
  deps: TurnDeps,
  state: ThreadState,
  turn: Turn,
  makeRequest: () => ModelRequest,
): Promise<SampleOutcome> {
  let calls = 0;
  const failure = await retryStreams(state, turn.signal, async () => {
    const attempt = await streamAttempt({
      client: deps.client,
      request: makeRequest(),
      state,
      startCall: (call) => deps.router.run(call, toolContext(state, turn)),
      signal: turn.signal,
    });
    await recordOutputs(attempt.calls, state, turn.signal);
    calls += attempt.calls.length;
    return attempt.failure;
  });
  return failure === null ? { type: "completed", calls } : { type: "failed", failure };
}

/** Outputs enter history in the order of the calls; a call cut off by an interruption is answered too. */
async function recordOutputs(calls: readonly PendingCall[], state: ThreadState, signal: AbortSignal): Promise<void> {
  for (const { call, result } of calls) {
    try {
      state.recordItems(outputItems(call, await raceAbort(result, signal)));
    } catch (error) {
      if (!signal.aborted) throw error;
      state.recordItems(outputItems(call, { output: ABORTED_OUTPUT, success: false }));
    }
  }
}
