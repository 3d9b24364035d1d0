import { nowMs } from "#lib/clock.ts";
import { assertNever, messageOf } from "#lib/errors.ts";
import { findSecrets } from "#lib/redact.ts";
import { ensureMemoryRoot, memoryLayout } from "#memories/layout.ts";
import type { ClaimPhaseTwo, PhaseTwoEnd, PhaseTwoInputs, PublishStep } from "#state/phase-two.ts";
import { GLOBAL_JOB_KEY, type UnixSeconds } from "#state/rows.ts";
import type { StateStore } from "#state/store.ts";
import { type StepHook, stepCounter } from "../artifacts/folder.ts";
import { syncArtifacts } from "../artifacts/sync.ts";
import { callLedger, consolidateWithModel } from "./consolidate-model.ts";
import { type ModelConsolidator, mayShow } from "./consolidation-agent.ts";
import { isMemoryGone, readRecord } from "./gone-memory.ts";
import { keepLease } from "./keep-lease.ts";
import { builtinPlan, changesNothing, modelPlan, type PlanInput } from "./plan.ts";
import { type PublishPlan, preparePublish } from "./publish.ts";
import { type RootMemory, rootMemory } from "./root-memory.ts";
import { closeStaging, openStaging, type StagingFolders } from "./stage.ts";
import { readRoot } from "./tree.ts";

/** An owner that finds the job due again goes round once more, this often in all. */
const MAX_ROUNDS = 3;

/** Who merges. A model is settled by the caller: configured, with credentials, and allowed. */
export type Consolidator = { type: "builtin" } | ModelConsolidator;

export interface PhaseTwoOptions {
  store: StateStore;
  codexHome: string;
  /** Names this process in the job's row. */
  worker: string;
  consolidator: Consolidator;
  /** Rows shown to one consolidation: `max_raw_memories_for_consolidation`, 1 to 4096. */
  maxInputs: number;
  signal: AbortSignal;
  now?: () => UnixSeconds;
  heartbeatMs?: number;
  onStep?: StepHook;
}

/** How the last round ended that did anything. */
export type PhaseTwoOutcome =
  | { type: "published" }
  /** Done without a change of any file. */
  | { type: "unchanged" }
  | { type: "skipped"; why: Exclude<ClaimPhaseTwo, { type: "claimed" }> }
  /** The day's tokens are spent and only a model may do it. */
  | { type: "over_budget"; retryAt: UnixSeconds }
  /** `published`: the built-in result stands in until the model succeeds. */
  | { type: "failed"; error: string; retryAt: UnixSeconds | null; published: boolean }
  /** The user changed the files meanwhile; tried again at `retryAt`. */
  | { type: "discarded"; retryAt: UnixSeconds }
  /** Another owner took over; nothing was written. */
  | { type: "lost" }
  /** Aborted; the job was given back. */
  | { type: "interrupted" };

/**
 * Consolidates when that is due and nobody else does: at most one consolidation at a time for a database. Expected
 * failures are outcomes; only a database that cannot be used throws.
 */
export async function runPhaseTwo(options: PhaseTwoOptions): Promise<PhaseTwoOutcome> {
  const step = stepCounter(options.onStep);
  const now = options.now ?? (() => Math.floor(nowMs() / 1000));
  if (await isMemoryGone(options.store, options.codexHome)) await options.store.phaseTwo.enqueue();
  let outcome: PhaseTwoOutcome | undefined;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (options.signal.aborted) return outcome ?? { type: "interrupted" };
    const waiting = await overBudget(options, now());
    if (waiting?.required && (await options.store.phaseTwo.isDue({ now: now() })))
      return outcome ?? { type: "over_budget", retryAt: waiting.retryAt };
    const consolidator: Consolidator = waiting === undefined ? options.consolidator : { type: "builtin" };
    step("claim");
    const claim = await options.store.phaseTwo.claim({ now: now(), worker: options.worker });
    if (claim.type !== "claimed") return outcome ?? { type: "skipped", why: claim };
    const job: Job = { ...options, consolidator, now, step, token: claim.token, inputWatermark: claim.inputWatermark };
    const end = await runClaimed(job);
    outcome = end.outcome.type === "unchanged" && outcome !== undefined ? outcome : end.outcome;
    if (!end.dueAgain) break;
  }
  return outcome ?? { type: "interrupted" };
}

interface Job extends Omit<PhaseTwoOptions, "now" | "onStep"> {
  now: () => UnixSeconds;
  step: (next: string) => void;
  token: string;
  inputWatermark: number;
}

interface RoundEnd {
  outcome: PhaseTwoOutcome;
  dueAgain: boolean;
}

async function overBudget(
  { store, consolidator }: PhaseTwoOptions,
  now: UnixSeconds,
): Promise<{ required: boolean; retryAt: UnixSeconds } | undefined> {
  if (consolidator.type === "builtin") return undefined;
  if ((await store.ledger.spentOn(now)) < consolidator.dailyTokenBudget) return undefined;
  return { required: consolidator.required, retryAt: (Math.floor(now / DAY_SECONDS) + 1) * DAY_SECONDS };
}

const DAY_SECONDS = 86_400;

async function runClaimed(job: Job): Promise<RoundEnd> {
  const lease = keepLease(job.store, job.token, {
    now: job.now,
    signal: job.signal,
    ...(job.heartbeatMs === undefined ? {} : { intervalMs: job.heartbeatMs }),
  });
  const layout = memoryLayout(job.codexHome);
  try {
    return await consolidate({ ...job, signal: lease.signal });
  } catch (error) {
    if (lease.isLost()) return { outcome: { type: "lost" }, dueAgain: false };
    if (job.signal.aborted) return await giveBack(job, null, { type: "interrupted" });
    return await endFailed(job, messageOf(error), undefined);
  } finally {
    lease.stop();
    closeQuietly(() => closeStaging(layout, job.token));
  }
}

async function consolidate(job: Job): Promise<RoundEnd> {
  const { store, step } = job;
  const layout = memoryLayout(job.codexHome);
  ensureMemoryRoot(layout);
  step("sync the artifact files");
  await syncArtifacts(store, { codexHome: job.codexHome });
  step("select the inputs");
  const inputs = await store.phaseTwo.selectInputs({ limit: job.maxInputs });
  step("copy the root");
  const memory = rootMemory({
    tree: readRoot(layout.root),
    record: readRecord(layout),
    publishedToken: (await store.meta.read()).publishedToken,
    rows: await store.outputs.list(),
  });
  if (inputs.sameAsLast && (memory.text !== null || inputs.outputs.length === 0))
    return endOf(await finish(job, inputs), false);
  const folders = openStaging(layout, job.token);
  step("consolidate");
  const work = { ...job, layout, inputs, memory, folders };
  const made = await makePlan(work);
  job.signal.throwIfAborted();
  if (made.type === "ended") return made.end;
  if (changesNothing(made.plan, memory)) return endOf(await finish(job, inputs), false);
  step("write what is to be published");
  const publish = preparePublish(layout.root, folders.publish, made.plan, step);
  step("publish and finish");
  const end = await finish(job, inputs, publish);
  step("clean up");
  return endOf(end, true);
}

interface Work extends Job {
  layout: ReturnType<typeof memoryLayout>;
  inputs: PhaseTwoInputs;
  memory: RootMemory;
  folders: StagingFolders;
}

type Made = { type: "plan"; plan: PublishPlan } | { type: "ended"; end: RoundEnd };

async function makePlan(work: Work): Promise<Made> {
  const { consolidator, inputs, memory } = work;
  const input: PlanInput = { memory, rows: inputs.outputs, token: work.token, hasSecret };
  if (consolidator.type === "builtin") return { type: "plan", plan: builtinPlan(input) };
  const rows = inputs.outputs.filter((row) => mayShow(consolidator, row.provider));
  if (rows.length === 0) return { type: "plan", plan: builtinPlan(input) };
  const result = await consolidateWithModel({
    memory,
    rows,
    model: consolidator,
    folder: work.folders.work,
    codexHome: work.codexHome,
    ledger: callLedger(work.store, consolidator, work.now),
    hasSecret,
    signal: work.signal,
  });
  work.signal.throwIfAborted();
  if (result.type === "consolidated") return { type: "plan", plan: modelPlan(input, consolidator, result) };
  if (result.type === "failed")
    return { type: "ended", end: await endFailed(work, result.error, substitute(work, input)) };
  if (!consolidator.required) return { type: "plan", plan: builtinPlan(input) };
  const { retryAt } = result;
  return { type: "ended", end: await giveBack(work, retryAt, { type: "over_budget", retryAt }) };
}

/** The built-in result, to stand in where there is no `MEMORY.md` at all. */
function substitute(work: Work, input: PlanInput): PublishStep | undefined {
  if (work.memory.text !== null) return undefined;
  return preparePublish(work.layout.root, work.folders.publish, builtinPlan(input), work.step);
}

async function endFailed(job: Job, error: string, publish: PublishStep | undefined): Promise<RoundEnd> {
  const options = { now: job.now(), token: job.token, error };
  const end = await job.store.phaseTwo.fail(publish === undefined ? options : { ...options, publish });
  if (end.type !== "failed") return endOf(end, false);
  const { published } = end;
  const retryAt = end.retryRemaining > 0 ? end.retryAt : null;
  return { outcome: { type: "failed", error, retryAt, published }, dueAgain: false };
}

async function giveBack(job: Job, retryAt: UnixSeconds | null, outcome: PhaseTwoOutcome): Promise<RoundEnd> {
  const owner = { kind: "memory_consolidate_global", jobKey: GLOBAL_JOB_KEY, token: job.token } as const;
  const released = await job.store.stageOne.release({ ...owner, retryAt });
  return { outcome: released ? outcome : { type: "lost" }, dueAgain: false };
}

function endOf(end: PhaseTwoEnd, published: boolean): RoundEnd {
  switch (end.type) {
    case "done":
      return { outcome: { type: published ? "published" : "unchanged" }, dueAgain: end.dueAgain };
    case "failed": {
      const retryAt = end.retryRemaining > 0 ? end.retryAt : null;
      const error = "the memory files changed during each of the last three consolidations";
      return { outcome: { type: "failed", error, retryAt, published: end.published }, dueAgain: false };
    }
    case "discarded":
      return { outcome: { type: "discarded", retryAt: end.retryAt }, dueAgain: false };
    case "lost":
      return { outcome: { type: "lost" }, dueAgain: false };
    default:
      return assertNever(end);
  }
}

function finish(job: Job, inputs: PhaseTwoInputs, publish?: PublishStep): Promise<PhaseTwoEnd> {
  const options = { now: job.now(), token: job.token, inputWatermark: job.inputWatermark, inputs };
  return job.store.phaseTwo.finish(publish === undefined ? options : { ...options, publish });
}

function hasSecret(text: string): boolean {
  return findSecrets(text).length > 0;
}

/** What is left behind is removed by the next owner. */
function closeQuietly(close: () => void): void {
  try {
    close();
  } catch {
    // See above.
  }
}
