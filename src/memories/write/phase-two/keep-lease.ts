import { GLOBAL_JOB_KEY, type UnixSeconds } from "#state/rows.ts";
import type { StateStore } from "#state/store.ts";

/** How often a running consolidation renews its lease. */
const HEARTBEAT_MS = 30_000;

/** A lease that is being renewed. */
export interface KeptLease {
  /** Aborted when the lease is lost, and when the caller's own signal is. */
  signal: AbortSignal;
  /** Whether a heartbeat found the lease ended or taken over. */
  isLost(): boolean;
  stop(): void;
}

/**
 * Renews the global lease until stopped. A heartbeat that fails for another reason (the database was busy) is tried
 * again at the next beat: the lease itself lasts far longer than a beat, and publishing checks it once more.
 */
export function keepLease(
  store: StateStore,
  token: string,
  options: { now: () => UnixSeconds; intervalMs?: number; signal: AbortSignal },
): KeptLease {
  const lost = new AbortController();
  let beating = false;
  const beat = async () => {
    if (beating) return;
    beating = true;
    try {
      const owner = { kind: "memory_consolidate_global", jobKey: GLOBAL_JOB_KEY, token } as const;
      const renewed = await store.stageOne.heartbeat({ ...owner, now: options.now() });
      if (!renewed) lost.abort(new Error("the lease of the consolidation was lost"));
    } catch {
      // See above: the next beat decides.
    } finally {
      beating = false;
    }
  };
  const timer = setInterval(() => void beat(), options.intervalMs ?? HEARTBEAT_MS);
  return {
    signal: AbortSignal.any([lost.signal, options.signal]),
    isLost: () => lost.signal.aborted,
    stop: () => clearInterval(timer),
  };
}
