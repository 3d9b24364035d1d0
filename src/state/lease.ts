import type { JobRow, UnixSeconds } from "./rows.ts";

/** How long an owner may be silent. */
export const LEASE_SECONDS = 3600;
/** How often an owner renews its lease. */
export const HEARTBEAT_SECONDS = 30;
/** How long a failed job rests. */
export const RETRY_DELAY_SECONDS = 3600;
/** Attempts a job has until there is new content. */
export const RETRIES = 3;
/** Fresh phase-one jobs at any instant, over all processes. */
export const RUNNING_CAP = 64;
/** How long a consolidation rests after the user changed the files under it. */
export const DISCARD_DELAY_SECONDS = 60;
/** The how-manieth discard in a row counts as a failure. */
export const MAX_DISCARDS = 3;

const DAY_SECONDS = 86_400;

/** Start of the UTC day, at or before `now`. */
export function utcDayStart(now: UnixSeconds): UnixSeconds {
  return Math.floor(now / DAY_SECONDS) * DAY_SECONDS;
}

/** The first instant of the next UTC day: when a spent budget is whole again. */
export function nextUtcMidnight(now: UnixSeconds): UnixSeconds {
  return utcDayStart(now) + DAY_SECONDS;
}

type Leased = Pick<JobRow, "status" | "leaseUntil">;

/** Whether an owner is at work: nobody else may touch the job. */
export function isFresh(job: Leased, now: UnixSeconds): boolean {
  return job.status === "running" && job.leaseUntil !== null && job.leaseUntil > now;
}

/** Whether an owner went silent: the job may be taken over. */
export function isStale(job: Leased, now: UnixSeconds): boolean {
  return job.status === "running" && !isFresh(job, now);
}

/**
 * Whether a job may be tried again. One given back as `pending` always may: its attempt was not used up, whatever
 * a takeover burned before it.
 */
export function hasAttemptLeft(job: Pick<JobRow, "status" | "retryRemaining">): boolean {
  return job.retryRemaining > 0 || job.status === "pending";
}

/** Retries a claim leaves on the row: taking over from a silent owner burns one. */
export function retriesAfterClaim(job: Pick<JobRow, "status" | "retryRemaining">): number {
  return job.status === "running" ? Math.max(0, job.retryRemaining - 1) : job.retryRemaining;
}

/** What the global job would answer to a claim. */
export type PhaseTwoState = "fresh" | "not_dirty" | "backing_off" | "abandoned" | "exhausted" | "claimable";

/** Decides on the global job from its row (undefined before the first) and whether its input changed. */
export function phaseTwoState(job: JobRow | undefined, dirty: boolean, now: UnixSeconds): PhaseTwoState {
  if (job === undefined) return dirty ? "claimable" : "not_dirty";
  if (isFresh(job, now)) return "fresh";
  if (isStale(job, now) && !hasAttemptLeft(job)) return "abandoned";
  if (!dirty) return "not_dirty";
  if (!hasAttemptLeft(job)) return "exhausted";
  if (job.retryAt !== null && job.retryAt > now) return "backing_off";
  return "claimable";
}
