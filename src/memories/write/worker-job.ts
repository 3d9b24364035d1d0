import type { ModelSetup } from "./phase-one/model-routes.ts";
import type { PipelineOptions, PipelineProgress, PipelineReport } from "./start.ts";

/** One run of the pipeline off the main thread; plain data. */
export interface WorkerJob
  extends Pick<
    PipelineOptions,
    | "codexHome"
    | "worker"
    | "rules"
    | "extractor"
    | "mayCallModels"
    | "dailyTokenBudget"
    | "maxClaims"
    | "maxInputs"
    | "backfill"
  > {
  models: ModelSetup;
  /** Consolidate with the built-in when that is due; a model's consolidation is a thread's work. */
  consolidate: boolean;
}

/** To the worker. */
export type WorkerRequest = { type: "run"; job: WorkerJob } | { type: "stop" };

/** From the worker; `done` and `failed` are its last. */
export type WorkerMessage =
  | { type: "progress"; progress: PipelineProgress }
  /** A sentence for the user. */
  | { type: "notice"; text: string }
  | { type: "done"; report: PipelineReport }
  | { type: "failed"; code: string; message: string };
