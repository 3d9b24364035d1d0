import { sleep } from "#lib/abort.ts";
import { backoffMs } from "#lib/retry.ts";
import { isTransientTransportError } from "./errors.ts";

/** How one try of a request ended. `unreachable`: no answer came; `idle`: none came in time. */
export type HttpOutcome<T> =
  | { kind: "response"; status: number; exchange: T }
  | { kind: "unreachable"; error: unknown }
  | { kind: "idle" };

/**
 * Tries a request until it is answered with something other than 5xx, or `maxRetries` more tries are
 * spent; the last outcome is returned whatever it is. Waits 200 ms × 2^(n−1) ± 10 % before retry n.
 * Rejects only with the signal's reason.
 */
export async function sendWithRetries<T>(
  send: () => Promise<HttpOutcome<T>>,
  options: { maxRetries: number; signal: AbortSignal },
): Promise<HttpOutcome<T>> {
  for (let retries = 0; ; ) {
    const outcome = await send();
    options.signal.throwIfAborted();
    if (retries >= options.maxRetries || !isRetryable(outcome)) return outcome;
    retries++;
    await sleep(backoffMs(retries), options.signal);
  }
}

function isRetryable(outcome: HttpOutcome<unknown>): boolean {
  switch (outcome.kind) {
    case "response":
      return outcome.status >= 500;
    case "unreachable":
      return isTransientTransportError(outcome.error);
    case "idle":
      return false;
  }
}
