import { sleep } from "#lib/abort.ts";
import { CodexError } from "#lib/errors.ts";
import { writeStderr, writeStdout } from "#lib/stdio.ts";
import type { PipelineReport } from "#memories/write/start.ts";
import { callableProviders, claimableProviders, claimRules, modelRunNotice, unixNow } from "#runtime/memories.ts";
import { runMemories } from "#runtime/memory-run.ts";
import type { RuntimeOptions } from "#runtime/options.ts";
import type { ClaimRules, WaitReason } from "#state/claims.ts";
import type { StateStore } from "#state/store.ts";
import { type MemoriesContext, type MemoriesOptions, printJson, withMemories } from "./context.ts";
import { Progress } from "./progress.ts";
import { counted } from "./text.ts";
import { splitWaiting, sumOf, waitingText } from "./waiting.ts";

export interface RunOptions extends MemoriesOptions {
  wait?: boolean;
  session?: string;
  extractor?: "auto" | "model" | "builtin";
}

const INTERRUPTED_EXIT = 130;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** How often a waiting run looks whether others are done. */
const POLL_MS = 1000;

/** The sum of a run's rounds, as `--json` prints it. */
interface RunResult {
  claimed: number;
  succeeded: number;
  no_output: number;
  failed: number;
  waiting: Partial<Record<WaitReason, number>>;
  consolidation: "published" | "unchanged" | "failed" | "skipped";
  artifacts: { written: number; removed: number };
}

/** Reads what is due and merges it. 0: nothing failed; 1: a job did; 130: interrupted, with the leases given back. */
export function memoriesRun(options: RunOptions): Promise<number> {
  return withMemories(options, async (context) => {
    const run = new MemoriesRun(withExtractor(context, options), options);
    const abort = new AbortController();
    const onSignal = () => abort.abort(new Error("interrupted"));
    for (const signal of SIGNALS) process.on(signal, onSignal);
    try {
      return await run.perform(abort.signal);
    } finally {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    }
  });
}

function withExtractor(context: MemoriesContext, { extractor }: RunOptions): MemoriesContext {
  if (extractor === undefined) return context;
  const { settings } = context;
  return { ...context, settings: { ...settings, memories: { ...settings.memories, extractor } } };
}

class MemoriesRun {
  readonly #context: MemoriesContext;
  readonly #options: RunOptions;
  readonly #progress = new Progress();
  readonly #errors: string[] = [];
  #session: string | undefined;
  #result: RunResult = {
    claimed: 0,
    succeeded: 0,
    no_output: 0,
    failed: 0,
    waiting: {},
    consolidation: "skipped",
    artifacts: { written: 0, removed: 0 },
  };

  constructor(context: MemoriesContext, options: RunOptions) {
    this.#context = context;
    this.#options = options;
  }

  async perform(signal: AbortSignal): Promise<number> {
    const { store } = this.#context;
    this.#session = this.#options.session?.toLowerCase();
    await this.#refuse();
    await this.#announce();
    try {
      await this.#rounds(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#progress.clear();
    }
    this.#result.waiting = await this.#waiting(store);
    this.#print();
    if (signal.aborted) return INTERRUPTED_EXIT;
    return this.#result.failed > 0 || this.#result.consolidation === "failed" ? 1 : 0;
  }

  async #rounds(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const report = await this.#round(signal);
      this.#add(report);
      if (this.#options.wait !== true || signal.aborted) return;
      const next = await this.#next(report);
      if (next === "done") return;
      if (next !== "again") {
        this.#progress.say(next);
        await sleep(POLL_MS, signal);
      }
    }
  }

  #round(signal: AbortSignal): Promise<PipelineReport> {
    const { store } = this.#context;
    return runMemories({
      store,
      runtime: runtimeOptions(this.#context),
      ...(this.#session === undefined ? {} : { session: this.#session }),
      stays: true,
      backfill: true,
      passRetryAt: this.#context.settings.memories.extractor === "builtin",
      report: (progress) => {
        if (progress.type === "extracting") void this.#countDue(store);
        this.#progress.handle(progress);
      },
      signal,
    });
  }

  async #countDue(store: StateStore): Promise<void> {
    if (this.#session !== undefined) return this.#progress.expect(1);
    const { pending } = await store.stageOne.status(await this.#rules(store));
    this.#progress.expect(Math.min(pending, this.#context.settings.memories.maxPerStartup));
  }

  /** What a waiting run does after a round: go on at once, end, or wait for what the text says. */
  async #next({ phaseOne, phaseTwo }: PipelineReport): Promise<"again" | "done" | string> {
    const { store } = this.#context;
    const merging = (await store.phaseTwo.status({ now: unixNow() })).state;
    const moved = phaseOne.claimed > 0 || phaseTwo?.type === "published";
    const isOver = phaseTwo === undefined || phaseTwo.type === "over_budget" || phaseTwo.type === "failed";
    const left = await this.#left(store);
    const isMerging = merging === "running" || merging === "stale";
    if (left.pending === 0 && left.running === 0 && !isMerging && (merging !== "pending" || isOver)) return "done";
    if (moved) return "again";
    if (left.running > 0) return `waiting for ${counted(left.running, "session")} that other processes are reading`;
    return isMerging ? "waiting for another process that is merging" : "done";
  }

  async #left(store: StateStore): Promise<{ pending: number; running: number }> {
    const rules = await this.#rules(store);
    if (this.#session === undefined) {
      const { pending, running } = await store.stageOne.status(rules);
      return { pending, running };
    }
    const verdict = await store.stageOne.explain(this.#session, rules);
    return { pending: Number(verdict === "claimable"), running: Number(verdict === "running") };
  }

  async #waiting(store: StateStore): Promise<RunResult["waiting"]> {
    const rules = await this.#rules(store);
    if (this.#session === undefined) return (await store.stageOne.status(rules)).waiting;
    const verdict = await store.stageOne.explain(this.#session, rules);
    if (verdict === "claimable" || verdict === "up_to_date" || verdict === "unknown_thread") return {};
    return { [verdict]: 1 };
  }

  async #rules(store: StateStore): Promise<ClaimRules> {
    const { settings, codexHome } = this.#context;
    const now = unixNow();
    const spent = await store.ledger.spentOn(now);
    const rules = claimRules(settings, claimableProviders(settings, { codexHome, spent, stays: true }), now);
    const passRetryAt = settings.memories.extractor === "builtin";
    return { ...rules, passRetryAt, ...(this.#session === undefined ? {} : { session: this.#session }) };
  }

  /** What cannot work is said before anything is done. */
  async #refuse(): Promise<void> {
    const { store, settings, codexHome } = this.#context;
    const session = this.#session;
    if (session !== undefined) {
      await store.threads.backfill();
      if ((await store.threads.get(session)) === undefined)
        throw new CodexError("thread_not_found", `no rollout found for thread id ${session} in "${codexHome}"`);
    }
    if (this.#options.extractor !== "model") return;
    const callable = callableProviders(settings, codexHome);
    if (callable.length > 0 && settings.memories.dailyTokenBudget > 0) return;
    const why =
      callable.length > 0
        ? "memories.daily_token_budget is 0"
        : "no configured provider has credentials; set CODEX_API_KEY or log in, or use --extractor builtin";
    throw new CodexError("no_model", `Cannot read sessions with a model: ${why}`);
  }

  async #announce(): Promise<void> {
    const notice = await modelRunNotice(this.#context.store, this.#context.settings, this.#context.codexHome);
    if (notice !== undefined) writeStderr(`${notice}\n`);
  }

  #add({ phaseOne, phaseTwo, artifacts }: PipelineReport): void {
    const result = this.#result;
    result.claimed += phaseOne.claimed;
    result.succeeded += phaseOne.succeeded;
    result.no_output += phaseOne.noOutput;
    result.failed += phaseOne.failed;
    result.artifacts.written += artifacts.written;
    result.artifacts.removed += artifacts.removed;
    const merged = consolidationOf(phaseTwo);
    if (phaseTwo?.type === "failed") this.#errors.push(`merging failed: ${phaseTwo.error}`);
    if (merged !== "skipped" && !(result.consolidation === "published" && merged === "unchanged"))
      result.consolidation = merged;
  }

  #print(): void {
    if (this.#options.json === true) return printJson(this.#result);
    const { claimed, succeeded, no_output, failed, waiting, consolidation } = this.#result;
    const lines =
      claimed === 0
        ? ["No session was due."]
        : [
            `Read ${counted(claimed, "session")}: something was kept of ${succeeded}, nothing worth keeping was in ${no_output}, ${failed} failed.`,
          ];
    lines.push(MERGED[consolidation], ...this.#errors);
    const split = splitWaiting(waiting);
    const { memories } = this.#context.settings;
    if (sumOf(split.waiting) > 0) lines.push(waitingText("waiting", split.waiting, memories));
    if (sumOf(split.leftOut) > 0) lines.push(waitingText("left out", split.leftOut, memories));
    if (failed > 0) lines.push("codex memories status says what failed and when it is tried again.");
    writeStdout(`${lines.join("\n")}\n`);
  }
}

const MERGED: Readonly<Record<RunResult["consolidation"], string>> = {
  published: "What was learnt was merged into MEMORY.md.",
  unchanged: "Merging changed nothing.",
  failed: "Merging failed.",
  skipped: "There was nothing to merge.",
};

function consolidationOf(outcome: PipelineReport["phaseTwo"]): RunResult["consolidation"] {
  if (outcome?.type === "published" || outcome?.type === "unchanged" || outcome?.type === "failed") return outcome.type;
  return "skipped";
}

function runtimeOptions({ settings, codexHome }: MemoriesContext): RuntimeOptions {
  return {
    settings,
    codexHome,
    cwd: process.cwd(),
    source: "cli",
    originator: "codex_memories",
    canAsk: false,
    ephemeral: true,
    record: undefined,
    replay: undefined,
  };
}
