import { raceAbort, sleep } from "#lib/abort.ts";
import type { ModelRequest } from "#providers/model-client.ts";
import { outputItems } from "#tools/route.ts";
import { ABORTED_OUTPUT } from "../context/normalize.ts";
import type { ThreadState } from "../thread-state.ts";
import { modelStream } from "./model-stream.ts";
import { type PendingCall, streamAttempt } from "./stream-attempt.ts";
import { type FinalFailure, retryStreams } from "./stream-retries.ts";
import { toolContext } from "./tool-context.ts";
import type { Turn, TurnDeps } from "./turn-deps.ts";

/** How one round of asking the model ended. */
export type SampleOutcome =
  /** The completing stream made `calls` tool calls: the model wants another round when it is not 0. */
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
      stream: modelStream(deps, turn, makeRequest()),
      state,
      startCall: async (call) => {
        const result = await deps.router.run(call, toolContext(state, turn, deps.questions));
        await turn.diff?.told();
        return result;
      },
      itemFinished: (item) => deps.itemFinished(item),
    });
    await recordOutputs(attempt.calls, state, turn.signal);
    turn.diff?.tell();
    await turn.diff?.told();
    calls = attempt.calls.length;
    return attempt.failure;
  });
  return failure === null ? { type: "completed", calls } : { type: "failed", failure };
}

/** How long an interrupted tool may take to end what it started; a command is killed within 0.2 s. */
const TOOL_END_MS = 1000;

/** Outputs enter history in the order of the calls; a call cut off by an interruption is answered too. */
async function recordOutputs(calls: readonly PendingCall[], state: ThreadState, signal: AbortSignal): Promise<void> {
  const { truncation } = state.settings.model;
  for (const { call, result } of calls) {
    try {
      state.recordItems(outputItems(call, await raceAbort(result, signal), truncation));
    } catch (error) {
      if (!signal.aborted) throw error;
      // The tool is ending its command: what it started must not outlive the turn.
      await Promise.race([result.catch(() => {}), sleep(TOOL_END_MS)]);
      state.recordItems(outputItems(call, { output: ABORTED_OUTPUT, success: false }, truncation));
    }
  }
}
