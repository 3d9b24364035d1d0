import type { ThreadId } from "#protocol/ids.ts";
import type { ClaimRules, StageOneClaim, StageOneStatus, WaitReason } from "./claims.ts";
import type { ClaimPhaseTwo, PhaseTwoEnd, PhaseTwoInputs, PhaseTwoStatus, PublishStep } from "./phase-two.ts";
import type {
  JobKind,
  LedgerRow,
  MemoryMeta,
  MemoryMode,
  NewStageOneOutput,
  StageOneOutput,
  ThreadRow,
  TokenPurpose,
  UnixSeconds,
} from "./rows.ts";

/**
 * The state of the memory pipeline, shared by any number of processes. Every method is one transaction. A lost
 * lease, a refused reservation or a job that is not due is a return value; a database that stays locked, is newer
 * than this program or cannot be written throws a `CodexError`.
 */
export interface StateStore {
  threads: ThreadIndex;
  stageOne: StageOneJobs;
  outputs: StageOneOutputs;
  phaseTwo: PhaseTwoJob;
  ledger: TokenLedger;
  meta: MetaStore;
  /** Closes the files. Safe to call twice. */
  close(): Promise<void>;
}

/** Owner of a job: all three must match the row for a write to happen. */
export interface Ownership {
  kind: JobKind;
  jobKey: string;
  token: string;
}

/** The index over `sessions/` and `archived_sessions/`. */
export interface ThreadIndex {
  /** Brings the index up to date with the files: only new and changed ones are read. */
  backfill(options?: { signal?: AbortSignal }): Promise<BackfillReport>;
  get(id: ThreadId): Promise<ThreadRow | undefined>;
  /** Newest `updatedAt` first. */
  list(options?: { limit?: number }): Promise<ThreadRow[]>;
  /**
   * Notes a mode at once; the rollout's own `memory_mode` record, which the caller appends, is what lasts.
   * `polluted` is never left. False when there is no such row.
   */
  setMemoryMode(id: ThreadId, mode: MemoryMode): Promise<boolean>;
  /** Rows whose derived "is due" columns are wrong; 0 in a sound database. For `doctor`. */
  countWrongDueColumns(): Promise<number>;
}

export interface BackfillReport {
  /** Rollout files found, duplicates included. */
  files: number;
  added: number;
  updated: number;
  removed: number;
  /** Files with a rollout's name that could not be indexed, with the reason. */
  skipped: { path: string; reason: string }[];
  /** Files left out because a longer one has the same thread id. */
  duplicates: { threadId: ThreadId; path: string; kept: string }[];
  /** False when a tree could not be read wholly; nothing was removed then. */
  complete: boolean;
}

/** Phase one's jobs, one per thread. */
export interface StageOneJobs {
  /** Whether `claim` would do anything (a thread is claimable, or a job was abandoned). One read-only query. */
  anythingDue(rules: ClaimRules): Promise<boolean>;
  /**
   * Claims up to `limit` threads, newest first, so that never more than `runningCap` (default 64) jobs are fresh.
   * A takeover of an ended lease burns one retry; a job left by its workers with none left becomes `error`.
   */
  claim(options: ClaimRules & { limit: number; runningCap?: number; worker: string }): Promise<StageOneClaim[]>;
  /**
   * Ends the job as `done` with its output, or with none (an older output is then removed). The output takes the
   * claim's `inputWatermark` as its `sourceUpdatedAt` and is kept only when that is not older than the stored row's.
   * False, and nothing written, when the token is no longer the owner's.
   */
  finish(options: {
    now: UnixSeconds;
    threadId: ThreadId;
    token: string;
    output: NewStageOneOutput | null;
  }): Promise<boolean>;
  /** Ends the job as `error`: one retry burned, the next in an hour. False when the token is no longer the owner's. */
  fail(options: { now: UnixSeconds; threadId: ThreadId; token: string; error: string }): Promise<boolean>;
  /** See `ReleaseOptions`; for both kinds of jobs. */
  release(options: ReleaseOptions): Promise<boolean>;
  /** Extends a lease that is still fresh by `LEASE_SECONDS` from `now`; for both kinds of jobs. Else false. */
  heartbeat(options: Ownership & { now: UnixSeconds }): Promise<boolean>;
  /** Why a thread is not claimable now; "claimable", or "unknown_thread" when the index has no such thread. */
  explain(threadId: ThreadId, rules: ClaimRules): Promise<WaitReason | "claimable" | "up_to_date" | "unknown_thread">;
  status(rules: ClaimRules): Promise<StageOneStatus>;
}

/**
 * Gives a running job back as `pending` without burning a retry: on shutdown at once (`retryAt` null), over budget
 * from the next UTC day on. False when the token is no longer the owner's.
 */
export interface ReleaseOptions extends Ownership {
  retryAt: UnixSeconds | null;
}

/** What phase one kept. Rows of disabled and polluted threads are never listed; a row without a thread is. */
export interface StageOneOutputs {
  /** All non-blank rows, newest first (`sourceUpdatedAt` descending, then thread id descending). */
  list(): Promise<StageOneOutput[]>;
  get(threadId: ThreadId): Promise<StageOneOutput | undefined>;
  /** Adds one to each row's usage, once per id. Returns how many rows there were. */
  raiseUsage(options: { now: UnixSeconds; threadIds: readonly ThreadId[] }): Promise<number>;
  /**
   * Removes up to `limit` (default 200) rows of disabled and polluted threads and, when `missing` says that the
   * last backfill was complete, of threads without a file. Returns the removed ids.
   */
  prune(options: { missing: boolean; limit?: number }): Promise<ThreadId[]>;
  /** Deletes all outputs and jobs and raises both generations; `removeFiles` runs inside the transaction. */
  reset(removeFiles?: () => void): Promise<{ outputs: number; jobs: number }>;
  /**
   * Runs the synchronous writer of the artifact files inside one write transaction and then notes the generation
   * as synced, so syncs of two processes never interleave. When the writer throws nothing is noted.
   */
  inSyncTransaction<T>(write: (view: SyncView) => T): Promise<T>;
}

/** What a sync sees: one snapshot. */
export interface SyncView {
  artifactsGeneration: number;
  syncedGeneration: number;
  /** As `StageOneOutputs.list`. */
  outputs: readonly StageOneOutput[];
}

/** Phase two's one job. */
export interface PhaseTwoJob {
  /** Whether `claim` would do anything. One read-only query. */
  isDue(options: { now: UnixSeconds }): Promise<boolean>;
  /** Takes the global lease when the job is due. */
  claim(options: { now: UnixSeconds; worker: string }): Promise<ClaimPhaseTwo>;
  /**
   * The rows to consolidate in one snapshot: at most `limit`, used most, then newest; only of `providers` when given.
   */
  selectInputs(options: { limit: number; providers?: readonly string[] }): Promise<PhaseTwoInputs>;
  /**
   * Publishes and ends the job in one write transaction: `publish` runs inside it, only while token and lease are
   * ours. "published" ends as `done` and marks the inputs; "discarded" (the user changed the files) gives the job
   * back for 60 s later, the third time in a row as `error`. Without `publish` nothing had to be written. When
   * `publish` throws, nothing is noted and the error is passed on.
   */
  finish(options: {
    now: UnixSeconds;
    token: string;
    /** As claimed. */
    inputWatermark: number;
    inputs: PhaseTwoInputs;
    publish?: PublishStep;
  }): Promise<PhaseTwoEnd>;
  /**
   * Ends the job as `error`: one retry burned, the next in an hour; needs the fresh lease like `finish`. `publish`
   * puts a substitute in place in the same transaction without the inputs counting as consolidated.
   */
  fail(options: { now: UnixSeconds; token: string; error: string; publish?: PublishStep }): Promise<PhaseTwoEnd>;
  /** Makes the job due although no input changed (a published `MEMORY.md` is gone). */
  enqueue(): Promise<void>;
  status(options: { now: UnixSeconds }): Promise<PhaseTwoStatus>;
}

/** Model calls of the pipeline, against a daily budget. */
export interface TokenLedger {
  /** Books the reservation unless the UTC day's sum would then exceed `budget` (0 = never a call). */
  reserve(options: {
    now: UnixSeconds;
    budget: number;
    jobKind: JobKind;
    threadId: ThreadId | null;
    purpose: TokenPurpose;
    provider: string;
    model: string;
    /** Estimated input plus output cap. */
    tokens: number;
  }): Promise<Reservation>;
  /** Puts the real usage in place of the reservation. Cached tokens are part of the input tokens. */
  settle(id: number, usage: { inputTokens: number; cachedInputTokens: number; outputTokens: number }): Promise<void>;
  /** Keeps the reservation counted: the call ended without a usage. */
  lose(id: number): Promise<void>;
  /** Tokens charged to the UTC day of `now`: real usage, and reservations that are open or lost. */
  spentOn(now: UnixSeconds): Promise<number>;
  /** Newest first. */
  list(options: { since: UnixSeconds; limit?: number }): Promise<LedgerRow[]>;
}

export type Reservation =
  | { type: "reserved"; id: number }
  /** `retryAt`: the next UTC midnight. */
  | { type: "over_budget"; spent: number; retryAt: UnixSeconds };

/** Free-form facts the pipeline keeps beside the counters. */
export type NoteKey = "legacy_alias_seen_at" | "model_run_announced_at" | "backfilled_at";

export interface MetaStore {
  read(): Promise<MemoryMeta>;
  /** `none` becomes `started`; returns the state before. */
  startLegacyMigration(): Promise<MemoryMeta["legacyMigration"]>;
  /**
   * Runs the last, synchronous step of the migration inside a write transaction and notes `done`, unless another
   * process was first: then false and `renames` is not run.
   */
  finishLegacyMigration(renames: () => void): Promise<boolean>;
  getNote(key: NoteKey): Promise<string | undefined>;
  /** Sets the note unless it is there and `onlyIfAbsent`. Returns whether it was set. */
  setNote(key: NoteKey, value: string, options?: { onlyIfAbsent?: boolean }): Promise<boolean>;
}
