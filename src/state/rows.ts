import type { ThreadId } from "#protocol/ids.ts";

/** All times in this folder are whole unix seconds, passed in by the caller. */
export type UnixSeconds = number;

/** Whether a thread may become memory. `polluted` (web or MCP content was seen) is never left again. */
export type MemoryMode = "enabled" | "disabled" | "polluted";

/** One session as the index knows it. Derived from its rollout file, never edited by hand. */
export interface ThreadRow {
  id: ThreadId;
  /** Absolute. */
  rolloutPath: string;
  /** `cli`, `vscode`, `exec`, `mcp`, `unknown`, or the JSON text of a sub-agent source. */
  source: string;
  cwd: string;
  /** As of the last extraction; null before the first. */
  project: string | null;
  gitSha: string | null;
  gitBranch: string | null;
  gitOriginUrl: string | null;
  /** Of the last turn; null when no turn has begun. */
  model: string | null;
  /** `model_provider` of the session. */
  provider: string;
  /** First line of the first user message, shortened. */
  title: string;
  /** Shortened; "" when the user has said nothing yet. */
  firstUserMessage: string;
  createdAt: UnixSeconds;
  /** Timestamp of the last complete line; the file's mtime only when no line has one. */
  updatedAt: UnixSeconds;
  archived: boolean;
  memoryMode: MemoryMode;
  fileBytes: number;
  /** Milliseconds since the epoch, with the fraction the file system gives. */
  fileMtimeMs: number;
}

/** Who wrote an output: a model, or the extractor that needs none. */
export type Extractor = `model:${string}` | "builtin";

/** What phase one learned from a thread, as its worker hands it in. */
export interface NewStageOneOutput {
  rawMemory: string;
  rolloutSummary: string;
  rolloutSlug: string | null;
  /** Absolute path of the rollout that was read. */
  rolloutPath: string;
  cwd: string;
  /** Computed once, at extraction: see the project rule of the memory design. */
  project: string;
  gitBranch: string | null;
  provider: string;
  model: string | null;
  extractor: Extractor;
  /** Compact JSON text; what the statements rest on. */
  evidence: string;
}

/** A kept output. Everything an artifact file shows is here, so that rendering is a pure function of these rows. */
export interface StageOneOutput extends NewStageOneOutput {
  threadId: ThreadId;
  /** `updatedAt` of the thread when the output's job was claimed. */
  sourceUpdatedAt: UnixSeconds;
  generatedAt: UnixSeconds;
  usageCount: number;
  lastUsage: UnixSeconds | null;
  /** `sourceUpdatedAt` the row had in the last consolidation that used it, or null when it was in none. */
  selectedSourceUpdatedAt: UnixSeconds | null;
}

/** The two kinds of jobs. `job_key` is the thread id, and the fixed text `global`. */
export type JobKind = "memory_stage1" | "memory_consolidate_global";

/** The one key of the consolidation job. */
export const GLOBAL_JOB_KEY = "global";

export type JobStatus = "pending" | "running" | "done" | "error";

/** A job row as stored. */
export interface JobRow {
  kind: JobKind;
  jobKey: string;
  status: JobStatus;
  workerId: string | null;
  ownershipToken: string | null;
  startedAt: UnixSeconds | null;
  finishedAt: UnixSeconds | null;
  leaseUntil: UnixSeconds | null;
  retryAt: UnixSeconds | null;
  retryRemaining: number;
  lastError: string | null;
  inputWatermark: number | null;
  lastSuccessWatermark: number | null;
  /** Consolidations thrown away in a row because the user's files changed meanwhile. */
  discards: number;
}

/** Counters and one-time facts of the memory root. Each counter only rises. */
export interface MemoryMeta {
  /** Rises with every change of what an artifact file shows. */
  artifactsGeneration: number;
  /** `artifactsGeneration` of the last completed sync. */
  syncedGeneration: number;
  /** Rises when an output appears, goes, or its texts or time change. */
  inputGeneration: number;
  /** `inputGeneration` of the last consolidation that was published (or needed nothing). */
  consolidatedGeneration: number;
  /** Whether artifacts on disk still have to be read back into a new database. */
  import: "pending" | "done";
  legacyMigration: "none" | "started" | "done";
  /** Ownership token of the last publish, "" before the first. */
  publishedToken: string;
}

/** What a model call of the pipeline was for. */
export type TokenPurpose = "stage_one" | "consolidation";

/** One model call of the pipeline. */
export interface LedgerRow {
  id: number;
  jobKind: JobKind;
  threadId: ThreadId | null;
  purpose: TokenPurpose;
  provider: string;
  model: string;
  /** `lost`: no usage was reported, so the reservation stays counted. */
  state: "reserved" | "done" | "lost";
  /** Estimated input plus output cap. */
  reservedTokens: number;
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
  /** Of the reservation; its UTC day is the day charged. */
  time: UnixSeconds;
}
