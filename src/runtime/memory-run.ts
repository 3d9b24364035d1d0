import { uuidv7 } from "#lib/ids.ts";
import { runPhaseTwo } from "#memories/write/phase-two/run.ts";
import type { PipelineProgress, PipelineReport } from "#memories/write/start.ts";
import { runInWorker } from "#memories/write/start-worker.ts";
import type { StateStore } from "#state/store.ts";
import { claimRules } from "./memories.ts";
import { consolidatorOf, modelSetup } from "./memory-models.ts";
import type { RuntimeOptions } from "./options.ts";

/** One run of the pipeline with the configuration of a process. */
export interface MemoryRunOptions {
  /** For what this thread does itself: a model's merging. */
  store: StateStore;
  runtime: RuntimeOptions;
  /** The session that runs it, left out of its own run. */
  currentThread?: string;
  /** Only this session, whatever its source, idle time and age. */
  session?: string;
  /** False in a process that is about to end. */
  stays: boolean;
  /** Largest rollout to read. */
  maxFileBytes?: number;
  /** Take sessions that are backing off as well: the built-in extractor was asked for by name. */
  passRetryAt?: boolean;
  backfill: boolean;
  report?: (progress: PipelineProgress) => void;
  /** Told, in a sentence for the user, when the database had to be mended. */
  notice?: (text: string) => void;
  signal: AbortSignal;
}

/**
 * Runs the pipeline once. All of it happens in a worker, but for a model's merging, which is a thread of this process.
 * What a model may have is left alone where the process does not stay.
 */
export async function runMemories(options: MemoryRunOptions): Promise<PipelineReport> {
  const { store, runtime, stays, signal, report, notice } = options;
  const { memories } = runtime.settings;
  const consolidator = consolidatorOf(runtime);
  const worker = options.currentThread ?? uuidv7();
  const job = {
    codexHome: runtime.codexHome,
    worker,
    rules: pipelineRules(options),
    extractor: memories.extractor,
    models: modelSetup(runtime),
    mayCallModels: stays,
    dailyTokenBudget: memories.dailyTokenBudget,
    maxClaims: memories.maxPerStartup,
    maxInputs: memories.maxForConsolidation,
    backfill: options.backfill,
    consolidate: consolidator?.type === "builtin",
  };
  const done = await runInWorker(job, {
    ...(report === undefined ? {} : { report }),
    ...(notice === undefined ? {} : { notice }),
    signal,
  });
  if (consolidator?.type !== "model" || !stays || signal.aborted) return done;
  report?.({ type: "consolidating" });
  const { codexHome, maxInputs } = job;
  return { ...done, phaseTwo: await runPhaseTwo({ store, codexHome, worker, consolidator, maxInputs, signal }) };
}

function pipelineRules({ runtime, currentThread, session, maxFileBytes, passRetryAt }: MemoryRunOptions) {
  const { now: _now, providers: _providers, ...rules } = claimRules(runtime.settings, { type: "any" }, 0);
  return {
    ...rules,
    ...(currentThread === undefined ? {} : { currentThread }),
    ...(session === undefined ? {} : { session }),
    ...(maxFileBytes === undefined ? {} : { maxFileBytes }),
    ...(passRetryAt === undefined ? {} : { passRetryAt }),
  };
}
