import type { Database } from "bun:sqlite";
import { assertNever } from "#lib/errors.ts";
import { isStale, type PhaseTwoState } from "../lease.ts";
import type { PhaseTwoStatus } from "../phase-two.ts";
import type { JobRow, UnixSeconds } from "../rows.ts";
import { inspectPhaseTwo } from "./claim-phase-two.ts";
import { jobFailure } from "./stage-one-status.ts";

/** Call inside a read transaction. */
export function phaseTwoStatus(db: Database, now: UnixSeconds): PhaseTwoStatus {
  const { job, dirty, state } = inspectPhaseTwo(db, now);
  const running = job?.status === "running";
  return {
    state: job !== undefined && isStale(job, now) ? "stale" : shownState(state),
    dirty,
    lastRun: lastRun(job),
    finishedAt: job?.finishedAt ?? null,
    worker: running ? job.workerId : null,
    leaseUntil: running ? job.leaseUntil : null,
    failure: job?.status === "error" || (job !== undefined && job.lastError !== null) ? jobFailure(job) : null,
  };
}

function shownState(state: PhaseTwoState): PhaseTwoStatus["state"] {
  switch (state) {
    case "claimable":
      return "pending";
    case "fresh":
      return "running";
    case "not_dirty":
      return "idle";
    case "abandoned":
      return "stale";
    case "backing_off":
    case "exhausted":
      return state;
    default:
      return assertNever(state);
  }
}

function lastRun(job: JobRow | undefined): PhaseTwoStatus["lastRun"] {
  if (job?.lastError != null) return "error";
  return job?.finishedAt != null ? "done" : "none";
}
