import { nextTurn } from "#lib/abort.ts";
import { nowMs } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import { redactSecrets } from "#lib/redact.ts";
import type { ClaimRules, ProviderRule, StageOneClaim } from "#state/claims.ts";
import type { NewStageOneOutput, ThreadRow, UnixSeconds } from "#state/rows.ts";
import type { Ownership, StateStore } from "#state/store.ts";
import type { CallBudget, ModelRoute } from "./extract-model.ts";
import { type ExtractorPlan, extractThread, type ThreadExtraction } from "./extract-thread.ts";
import { JobLease } from "./job-lease.ts";
import { projectOfThread } from "./project-of-thread.ts";
import { claimableThreads, type ExtractorChoice, type ServedProviders } from "./who-may-extract.ts";

/** Which models a run may call. */
export interface ModelAccess {
  served: ServedProviders;
  /** How a thread's model is reached; undefined when it cannot be, now. */
  routeFor(thread: ThreadRow): ModelRoute | undefined;
}

export interface PhaseOneOptions {
  store: StateStore;
  /** Who claims, for the job rows: the id of the session that runs the pipeline. */
  worker: string;
  /** Window, sources and so on; time and providers are filled in at each claim. */
  rules: Omit<ClaimRules, "now" | "providers">;
  extractor: ExtractorChoice;
  models: ModelAccess;
  /** False in a process that will not stay to receive a model's answer: what a model may have is left alone. */
  mayCallModels: boolean;
  dailyTokenBudget: number;
  /** Claims in all. */
  limit: number;
  /** Threads at once (default 8). */
  concurrency?: number;
  now?: () => UnixSeconds;
  heartbeatMs?: number;
  /** Runs after finished jobs, never twice at once: brings the artifact files up to date. */
  sync?: () => Promise<unknown>;
  /** Told of every ended job. */
  report?: (end: JobEnd) => void;
  signal: AbortSignal;
}

/** How one job of a run ended. */
export type JobEnd = { threadId: string; title: string } & (
  | { type: "succeeded"; extractor: string }
  | { type: "no_output" }
  | { type: "failed"; error: string }
  /** Given back, nothing burned. */
  | { type: "released"; why: "shutdown" | "over_budget" }
  /** Another worker owns it; nothing was written. */
  | { type: "lost" }
);

/** Counts of a run. */
export interface PhaseOneReport {
  claimed: number;
  succeeded: number;
  noOutput: number;
  failed: number;
  released: number;
  lost: number;
}

const CONCURRENCY = 8;

/**
 * Phase one: claims threads as workers become free and makes memories of them, until nothing is claimable, the limit
 * is reached or the signal is aborted; then running jobs are given back. Never throws for a thread's sake; a database
 * that cannot be used throws.
 */
export async function runPhaseOne(options: PhaseOneOptions): Promise<PhaseOneReport> {
  return new PhaseOne(options).run();
}

class PhaseOne {
  readonly #options: PhaseOneOptions;
  readonly #report: PhaseOneReport = { claimed: 0, succeeded: 0, noOutput: 0, failed: 0, released: 0, lost: 0 };
  readonly #now: () => UnixSeconds;
  #left: number;
  /** No call fits into the day any more; for `model` then nothing is claimed. */
  #budgetSpent = false;
  #syncing: Promise<unknown> = Promise.resolve();
  #syncQueued = false;
  #projects: readonly string[] | undefined;

  constructor(options: PhaseOneOptions) {
    this.#options = options;
    this.#left = options.limit;
    this.#now = options.now ?? (() => Math.floor(nowMs() / 1000));
  }

  async run(): Promise<PhaseOneReport> {
    await this.#lookAtBudget();
    const workers = Math.max(1, Math.min(this.#options.concurrency ?? CONCURRENCY, this.#left));
    const ends = await Promise.allSettled(Array.from({ length: workers }, () => this.#work()));
    await this.#syncing;
    const broken = ends.find((end) => end.status === "rejected");
    if (broken?.status === "rejected") throw broken.reason;
    return this.#report;
  }

  async #work(): Promise<void> {
    while (this.#left > 0) {
      this.#left--;
      // The database and small files answer at once: without this no abort and no heartbeat would get its turn.
      await nextTurn();
      if (this.#options.signal.aborted) return;
      const claim = await this.#claim();
      if (claim === undefined) return;
      this.#report.claimed++;
      await this.#process(claim);
    }
  }

  /** Step 1. */
  async #claim(): Promise<StageOneClaim | undefined> {
    const { store, rules, worker } = this.#options;
    const rule = { ...rules, now: this.#now(), providers: this.#providers() };
    const [claim] = await store.stageOne.claim({ ...rule, limit: 1, worker });
    return claim;
  }

  #providers(): ProviderRule {
    const { extractor, models, mayCallModels } = this.#options;
    return claimableThreads({ extractor, mayCallModels, served: this.#budgetSpent ? [] : models.served });
  }

  async #process(claim: StageOneClaim): Promise<void> {
    const { store, signal, heartbeatMs } = this.#options;
    const job: Ownership = { kind: "memory_stage1", jobKey: claim.threadId, token: claim.token };
    const renew = () => store.stageOne.heartbeat({ ...job, now: this.#now() });
    using lease = new JobLease(job, { renew, signal, ...(heartbeatMs !== undefined && { everyMs: heartbeatMs }) });
    try {
      // Steps 2 to 4: read and filter, redact, extract, redact.
      const thread = { threadId: claim.threadId, rolloutPath: claim.thread.rolloutPath };
      const plan = this.#planFor(claim);
      if (plan === undefined) return await this.#failed(claim, unreachable(claim.thread));
      await this.#end(claim, job, await extractThread(thread, plan, { signal: lease.signal }));
    } catch (error) {
      if (lease.lost) return this.#ended(claim, { type: "lost" });
      if (signal.aborted) return this.#release(claim, job, null, "shutdown");
      await this.#failed(claim, messageOf(error));
    }
  }

  /** Undefined when only a model may extract and none can be reached. */
  #planFor(claim: StageOneClaim): ExtractorPlan | undefined {
    const { extractor, models, mayCallModels } = this.#options;
    const allowed = extractor === "model" || (extractor === "auto" && mayCallModels && !this.#budgetSpent);
    const route = allowed ? models.routeFor(claim.thread) : undefined;
    if (route === undefined) return extractor === "model" ? undefined : { type: "builtin" };
    const last = claim.retryRemaining <= 1;
    const fallback = extractor === "model" ? "never" : last ? "any_failure" : "over_budget";
    return { type: "model", route, budget: this.#budgetFor(claim, route), fallback };
  }

  #budgetFor(claim: StageOneClaim, route: ModelRoute): CallBudget {
    const { store, dailyTokenBudget: budget } = this.#options;
    return {
      reserve: async (tokens) => {
        const reservation = await store.ledger.reserve({
          now: this.#now(),
          budget,
          jobKind: "memory_stage1",
          threadId: claim.threadId,
          purpose: "stage_one",
          provider: route.provider,
          model: route.model.slug,
          tokens,
        });
        if (reservation.type === "over_budget") this.#budgetSpent = true;
        return reservation;
      },
      settle: (id, usage) =>
        store.ledger.settle(id, {
          inputTokens: usage.input_tokens,
          cachedInputTokens: usage.cached_input_tokens,
          outputTokens: usage.output_tokens,
        }),
      lose: (id) => store.ledger.lose(id),
    };
  }

  /** Step 5. */
  async #end(claim: StageOneClaim, job: Ownership, result: ThreadExtraction): Promise<void> {
    switch (result.type) {
      case "over_budget":
        return this.#release(claim, job, result.retryAt, "over_budget");
      case "failed":
        return this.#failed(claim, result.message);
      case "extracted":
        return this.#finish(claim, result);
    }
  }

  async #finish(claim: StageOneClaim, result: Extract<ThreadExtraction, { type: "extracted" }>): Promise<void> {
    const { store } = this.#options;
    const { threadId, token } = claim;
    const output = result.extraction === null ? null : await this.#output(claim, result);
    if (result.usedAlias) await store.meta.setNote("legacy_alias_seen_at", String(this.#now()));
    const ours = await store.stageOne.finish({ now: this.#now(), threadId, token, output });
    if (!ours) return this.#ended(claim, { type: "lost" });
    this.#ended(claim, output === null ? { type: "no_output" } : { type: "succeeded", extractor: result.extractor });
    this.#syncSoon();
  }

  async #output(
    claim: StageOneClaim,
    { extraction, extractor, facts }: Extract<ThreadExtraction, { type: "extracted" }>,
  ): Promise<NewStageOneOutput | null> {
    if (extraction === null) return null;
    const cwd = facts.cwd || claim.thread.cwd;
    return {
      rawMemory: extraction.rawMemory,
      rolloutSummary: extraction.rolloutSummary,
      rolloutSlug: extraction.rolloutSlug,
      rolloutPath: claim.thread.rolloutPath,
      cwd,
      project: projectOfThread(cwd, await this.#recordedProjects()),
      gitBranch: facts.gitBranch ?? claim.thread.gitBranch,
      provider: claim.thread.provider,
      model: facts.model ?? claim.thread.model,
      extractor,
      evidence: JSON.stringify(extraction.evidence),
    };
  }

  async #recordedProjects(): Promise<readonly string[]> {
    this.#projects ??= (await this.#options.store.outputs.list()).map(({ project }) => project);
    return this.#projects;
  }

  async #failed(claim: StageOneClaim, error: string): Promise<void> {
    const { threadId, token } = claim;
    const text = redactSecrets(error).slice(0, MAX_ERROR);
    const ours = await this.#options.store.stageOne.fail({ now: this.#now(), threadId, token, error: text });
    this.#ended(claim, ours ? { type: "failed", error: text } : { type: "lost" });
  }

  async #release(
    claim: StageOneClaim,
    job: Ownership,
    retryAt: UnixSeconds | null,
    why: "shutdown" | "over_budget",
  ): Promise<void> {
    const ours = await this.#options.store.stageOne.release({ ...job, retryAt });
    this.#ended(claim, ours ? { type: "released", why } : { type: "lost" });
  }

  #ended(claim: StageOneClaim, end: JobEndKind): void {
    const { threadId, thread } = claim;
    const counter = COUNTERS[end.type];
    this.#report[counter]++;
    this.#options.report?.({ threadId, title: thread.title, ...end });
  }

  /** One sync at a time; all that finishes meanwhile is taken by the next. */
  #syncSoon(): void {
    const { sync } = this.#options;
    if (sync === undefined || this.#syncQueued) return;
    this.#syncQueued = true;
    this.#syncing = this.#syncing.then(() => {
      this.#syncQueued = false;
      return sync();
    });
    // The run's end reports it; until then it must not count as unhandled.
    this.#syncing.catch(() => {});
  }

  async #lookAtBudget(): Promise<void> {
    const { extractor, store, dailyTokenBudget } = this.#options;
    if (extractor === "builtin") return;
    this.#budgetSpent = dailyTokenBudget === 0 || (await store.ledger.spentOn(this.#now())) >= dailyTokenBudget;
  }
}

function unreachable({ provider, model }: ThreadRow): string {
  return `No model can be asked for this session: its provider is "${provider}" and its model "${model ?? "unknown"}"`;
}

/** A job's last error is a line for the user, not a log. */
const MAX_ERROR = 1000;

type JobEndKind = JobEnd extends infer End ? (End extends JobEnd ? Omit<End, "threadId" | "title"> : never) : never;

const COUNTERS: Readonly<Record<JobEnd["type"], Exclude<keyof PhaseOneReport, "claimed">>> = {
  succeeded: "succeeded",
  no_output: "noOutput",
  failed: "failed",
  released: "released",
  lost: "lost",
};
