import type { Database } from "bun:sqlite";
import { DISCARD_DELAY_SECONDS, isFresh, MAX_DISCARDS, RETRY_DELAY_SECONDS } from "../lease.ts";
import type { PhaseTwoEnd, PhaseTwoInputs, PublishStep } from "../phase-two.ts";
import { GLOBAL_JOB_KEY, type JobRow, type UnixSeconds } from "../rows.ts";
import { getJob } from "./job-row.ts";
import { readMeta, setMeta } from "./memory-meta.ts";
import { digestOf, markSelected } from "./phase-two-inputs.ts";

const GLOBAL = `kind = 'memory_consolidate_global' AND job_key = '${GLOBAL_JOB_KEY}'`;

/** What the third discard in a row leaves as the job's error. */
const DISCARDED = "the memory files changed during each of the last three consolidations";

/** Publishes and ends the job; call inside a write transaction, so that nobody can take over in between. */
export function finishPhaseTwo(
  db: Database,
  options: {
    now: UnixSeconds;
    token: string;
    inputWatermark: number;
    inputs: PhaseTwoInputs;
    publish?: PublishStep;
  },
): PhaseTwoEnd {
  const { now, token, inputs, publish } = options;
  const job = ownedJob(db, token, now);
  if (job === undefined) return { type: "lost" };
  if (publish !== undefined) {
    if (publish() === "discarded") return discard(db, job, now);
    setMeta(db, "published_token", token);
  }
  const newest = Math.max(0, ...inputs.outputs.map((output) => output.sourceUpdatedAt));
  const watermark = Math.max(job.lastSuccessWatermark ?? 0, options.inputWatermark, newest);
  db.query(`
    UPDATE jobs SET status = 'done', finished_at = $now, lease_until = NULL, last_error = NULL, discards = 0,
      last_success_watermark = $watermark
    WHERE ${GLOBAL}`).run({ now, watermark });
  markSelected(db, inputs.outputs);
  setMeta(db, "consolidated_set", digestOf(inputs.outputs));
  const { inputGeneration, consolidatedGeneration } = readMeta(db);
  setMeta(db, "consolidated_generation", Math.max(consolidatedGeneration, inputs.generation));
  return { type: "done", dueAgain: inputGeneration > inputs.generation };
}

/** Ends the job as `error`, with a substitute published or not; call inside a write transaction. */
export function failPhaseTwo(
  db: Database,
  options: { now: UnixSeconds; token: string; error: string; publish?: PublishStep },
): PhaseTwoEnd {
  const { now, token, error, publish } = options;
  const job = ownedJob(db, token, now);
  if (job === undefined) return { type: "lost" };
  const published = publish?.() === "published";
  if (published) setMeta(db, "published_token", token);
  return endAsError(db, job, now, error, published);
}

/** The row, only while it is ours and our lease has not ended. */
function ownedJob(db: Database, token: string, now: UnixSeconds): JobRow | undefined {
  const job = getJob(db, "memory_consolidate_global", GLOBAL_JOB_KEY);
  return job !== undefined && job.ownershipToken === token && isFresh(job, now) ? job : undefined;
}

function discard(db: Database, job: JobRow, now: UnixSeconds): PhaseTwoEnd {
  const inARow = job.discards + 1;
  if (inARow >= MAX_DISCARDS) return endAsError(db, job, now, DISCARDED, false);
  const retryAt = now + DISCARD_DELAY_SECONDS;
  db.query(`
    UPDATE jobs SET status = 'pending', worker_id = NULL, ownership_token = NULL, started_at = NULL,
      lease_until = NULL, retry_at = $retryAt, discards = $inARow
    WHERE ${GLOBAL}`).run({ retryAt, inARow });
  return { type: "discarded", retryAt, inARow };
}

function endAsError(db: Database, job: JobRow, now: UnixSeconds, error: string, published: boolean): PhaseTwoEnd {
  const [retryAt, retryRemaining] = [now + RETRY_DELAY_SECONDS, Math.max(0, job.retryRemaining - 1)];
  db.query(`
    UPDATE jobs SET status = 'error', finished_at = $now, lease_until = NULL, last_error = $error, discards = 0,
      retry_at = $retryAt, retry_remaining = $retryRemaining
    WHERE ${GLOBAL}`).run({ now, error, retryAt, retryRemaining });
  return { type: "failed", retryAt, retryRemaining, published };
}
