import type { JobFailure } from "./claims.ts";
import type { StageOneOutput, UnixSeconds } from "./rows.ts";

/** How a claim of the global job went. */
export type ClaimPhaseTwo =
  | {
      type: "claimed";
      /** A fresh UUID; every later write needs it. */
      token: string;
      leaseUntil: UnixSeconds;
      inputWatermark: number;
      /** Retries left if this attempt fails. */
      retryRemaining: number;
    }
  /** Nothing changed since the last consolidation. */
  | { type: "not_due" }
  /** Another owner's lease is fresh. */
  | { type: "running"; leaseUntil: UnixSeconds; worker: string }
  | { type: "backing_off"; retryAt: UnixSeconds; error: string | null }
  /** No retry is left until something new is learned. */
  | { type: "exhausted"; error: string | null };

/** The rows of one consolidation: one snapshot. */
export interface PhaseTwoInputs {
  /** `inputGeneration` of the snapshot. */
  generation: number;
  /** Used most first, then newest. */
  outputs: readonly StageOneOutput[];
  /** Whether exactly these (thread, time) pairs were consolidated last. */
  sameAsLast: boolean;
}

/**
 * The step that puts files in place. Runs synchronously inside the transaction, only while the lease is ours.
 * Returns "discarded", having changed nothing, when the files are no longer those the work began with.
 */
export type PublishStep = () => "published" | "discarded";

/** How the end of a consolidation went. */
export type PhaseTwoEnd =
  /** `dueAgain`: something new was learned meanwhile. */
  | { type: "done"; dueAgain: boolean }
  | { type: "failed"; retryAt: UnixSeconds; retryRemaining: number; published: boolean }
  /** Given back; `inARow` is 1 or 2. */
  | { type: "discarded"; retryAt: UnixSeconds; inARow: number }
  /** Token or lease were no longer ours: nothing was run or written. */
  | { type: "lost" };

/** The global job for `status`. */
export interface PhaseTwoStatus {
  state: "idle" | "pending" | "running" | "stale" | "backing_off" | "exhausted";
  /** Whether inputs changed since the last consolidation. */
  dirty: boolean;
  /** Whether the last attempt ended well, badly or not at all. */
  lastRun: "none" | "done" | "error";
  finishedAt: UnixSeconds | null;
  worker: string | null;
  leaseUntil: UnixSeconds | null;
  failure: JobFailure | null;
}
