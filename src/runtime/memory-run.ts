import { uuidv7 } from "#lib/ids.ts";
import { type PipelineProgress, type PipelineReport, runPipeline } from "#memories/write/start.ts";
import type { StateStore } from "#state/store.ts";
import { claimRules } from "./memories.ts";
import { consolidatorOf, pipelineModels } from "./memory-models.ts";
import type { RuntimeOptions } from "./options.ts";

/** One run of the pipeline with the configuration of a process. */
export interface MemoryRunOptions {
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
  backfill: boolean;
  report?: (progress: PipelineProgress) => void;
  signal: AbortSignal;
}

/** Runs the pipeline once; see `runPipeline`. */
export function runMemories(options: MemoryRunOptions): Promise<PipelineReport> {
  const { store, runtime, stays, signal } = options;
  const { memories } = runtime.settings;
  const { now: _now, providers: _providers, ...rules } = claimRules(runtime.settings, { type: "any" }, 0);
  const consolidator = consolidatorOf(runtime);
  // What a model may have is left to a process that stays.
  const mayConsolidate = stays || consolidator?.type === "builtin";
  return runPipeline({
    store,
    codexHome: runtime.codexHome,
    worker: options.currentThread ?? uuidv7(),
    rules: {
      ...rules,
      ...(options.currentThread === undefined ? {} : { currentThread: options.currentThread }),
      ...(options.session === undefined ? {} : { session: options.session }),
      ...(options.maxFileBytes === undefined ? {} : { maxFileBytes: options.maxFileBytes }),
    },
    extractor: memories.extractor,
    models: pipelineModels(runtime),
    mayCallModels: stays,
    dailyTokenBudget: memories.dailyTokenBudget,
    maxClaims: memories.maxPerStartup,
    consolidator: mayConsolidate ? consolidator : undefined,
    maxInputs: memories.maxForConsolidation,
    backfill: options.backfill,
    ...(options.report === undefined ? {} : { report: options.report }),
    signal,
  });
}
