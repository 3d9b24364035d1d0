import { sleep } from "#lib/abort.ts";
import { backoffMs } from "#lib/retry.ts";
import type { ModelFailure } from "#providers/model-client.ts";
import type { ThreadState } from "../thread-state.ts";

export type FinalFailure = Extract<ModelFailure, { retry: false }>;

/**
 * Runs stream attempts until one answers null (completed) or the budget `stream_max_retries` is spent,
 * telling the user of each retry. A retryable failure that outlives the budget becomes final with its own
 * message. Rejects with the signal's reason when aborted.
 */
export async function retryStreams(
  state: ThreadState,
  signal: AbortSignal,
  attempt: () => Promise<ModelFailure | null>,
): Promise<FinalFailure | null> {
  const max = state.settings.streamMaxRetries;
  for (let retries = 0; ; ) {
    const failure = await attempt();
    signal.throwIfAborted();
    if (failure === null) return null;
    if (!failure.retry) return failure;
    if (retries >= max) return { retry: false, message: failure.message, kind: "other" };
    retries++;
    state.emit({ type: "stream_error", message: `Reconnecting... ${retries}/${max} (${failure.message})` });
    await sleep(failure.delayMs ?? backoffMs(retries), signal);
  }
}
