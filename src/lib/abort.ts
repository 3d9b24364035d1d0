/** A signal that is never aborted, for whoever has nothing to end the work with. */
export const NEVER: AbortSignal = new AbortController().signal;

/** Resolves after `ms` milliseconds; rejects with the signal's reason when aborted first. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** Settles with the promise, or resolves when `ms` milliseconds are over. Nothing of the wait stays behind. */
export async function waitAtMost(promise: Promise<unknown>, ms: number): Promise<void> {
  const over = new AbortController();
  try {
    await Promise.race([promise, sleep(ms, over.signal).catch(() => {})]);
  } finally {
    over.abort();
  }
}

/** The promise's outcome, or the signal's reason as a rejection, whichever comes first. */
export function raceAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => {});
    return Promise.reject(signal.reason);
  }
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/**
 * A signal that is aborted with the first of these and that no longer is once it is disposed of. With `AbortSignal.any`
 * whoever listens to it, and all they hold, is kept for as long as one of these lives, also when the work is done.
 */
export function eitherSignal(...signals: readonly AbortSignal[]): { signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const over = new AbortController();
  for (const each of signals) {
    const abort = () => controller.abort(each.reason);
    if (each.aborted) abort();
    each.addEventListener("abort", abort, { once: true, signal: over.signal });
  }
  return { signal: controller.signal, [Symbol.dispose]: () => over.abort() };
}

/** Resolves after other work of the event loop (timers, messages, input) had its turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
