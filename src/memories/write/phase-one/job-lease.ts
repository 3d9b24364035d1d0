import { HEARTBEAT_SECONDS } from "#state/lease.ts";
import type { Ownership } from "#state/store.ts";

/** Why a job's work was stopped: another worker owns it now. */
class LeaseLost extends Error {
  constructor(jobKey: string) {
    super(`the lease of job "${jobKey}" was lost`);
    this.name = "LeaseLost";
  }
}

/**
 * Renews a job's lease while its work goes on. The work's signal is aborted with `LeaseLost` when a renewal is
 * refused, and with the run's own reason when the run is stopped.
 */
export class JobLease implements Disposable {
  readonly #stop = new AbortController();
  readonly #timer: ReturnType<typeof setInterval>;
  readonly signal: AbortSignal;

  /** `renew` answers false when the lease is no longer ours. */
  constructor(job: Ownership, options: { renew: () => Promise<boolean>; signal: AbortSignal; everyMs?: number }) {
    this.signal = AbortSignal.any([options.signal, this.#stop.signal]);
    const beat = () =>
      options.renew().then(
        (ours) => {
          if (!ours) this.#stop.abort(new LeaseLost(job.jobKey));
        },
        // A database that is busy now may not be at the next beat; the lease outlasts many of them.
        () => {},
      );
    this.#timer = setInterval(beat, options.everyMs ?? HEARTBEAT_SECONDS * 1000);
    this.#timer.unref();
  }

  get lost(): boolean {
    return this.#stop.signal.aborted;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
