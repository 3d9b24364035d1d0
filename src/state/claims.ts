import type { ThreadId } from "#protocol/ids.ts";
import type { ThreadRow, UnixSeconds } from "./rows.ts";

/** Whose threads may be claimed, by the thread's own provider. */
export type ProviderRule =
  | { type: "any" }
  /** Only these: a model extracts, and only these can be called now. */
  | { type: "only"; providers: readonly string[] }
  /** All but these: what a model may have is left to a process that stays. */
  | { type: "except"; providers: readonly string[] };

/** What makes a thread claimable for phase one. All bounds are inclusive. */
export interface ClaimRules {
  now: UnixSeconds;
  /** Seconds since the last line, at least; 12 h by default in the configuration. */
  minIdleSeconds: number;
  /** Seconds since the last line, at most. */
  maxAgeSeconds: number;
  /** Session sources that feed memory. */
  sources: readonly string[];
  providers: ProviderRule;
  /** The session that asks, never claimed by itself. */
  currentThread?: ThreadId;
  /** Only this thread, whatever its source, idle time and age. */
  session?: ThreadId;
  /** Take threads whose `retry_at` lies ahead too (the built-in extractor was asked for by name). */
  passRetryAt?: boolean;
  /** Only threads whose rollout has at most this many bytes. */
  maxFileBytes?: number;
}

/** A thread taken for extraction. */
export interface StageOneClaim {
  threadId: ThreadId;
  /** A fresh UUID; every later write needs it. */
  token: string;
  leaseUntil: UnixSeconds;
  /** `updatedAt` of the thread as claimed. */
  inputWatermark: UnixSeconds;
  /** Retries left if this attempt fails: 1 means that a failure is the last. */
  retryRemaining: number;
  thread: ThreadRow;
}

/** Why a thread that has something new is not claimable now. The first that holds is given. */
export type WaitReason =
  | "running"
  | "archived"
  | "disabled"
  | "polluted"
  | "no_user_message"
  | "current"
  | "source"
  | "exhausted"
  | "too_recent"
  | "too_old"
  /** Given back because the day's budget was spent. */
  | "over_budget"
  | "backing_off"
  /** Its provider is not one of those that may be claimed now. */
  | "provider"
  | "too_large";

/** Counts for `status`, all of one snapshot. */
export interface StageOneStatus {
  /** Claimable now, threads that never had a job included. */
  pending: number;
  /** Fresh leases only. */
  running: number;
  /** Leases that ended without their job. */
  stale: number;
  done: number;
  error: number;
  /** Threads with something new that are not claimable, by reason. */
  waiting: Partial<Record<WaitReason, number>>;
  /** Jobs in `error`, newest first. */
  failures: JobFailure[];
}

export interface JobFailure {
  jobKey: string;
  error: string;
  finishedAt: UnixSeconds | null;
  /** Null: no further try without new content. */
  retryAt: UnixSeconds | null;
  retryRemaining: number;
}
