import { environment } from "#lib/env.ts";
import { openState } from "#state/open.ts";
import { artifactImporter } from "./artifacts/import.ts";
import { modelAccess } from "./phase-one/model-routes.ts";
import { type PipelineProgress, type PipelineReport, runPipeline } from "./start.ts";
import type { WorkerJob } from "./worker-job.ts";

export interface RunJobOptions {
  report: (progress: PipelineProgress) => void;
  notice: (text: string) => void;
  signal: AbortSignal;
}

/**
 * One run of the pipeline with a database connection of its own. Throws what makes the database or the memory root
 * unusable; when aborted, running jobs are given back first.
 */
export async function runJob(job: WorkerJob, { report, notice, signal }: RunJobOptions): Promise<PipelineReport> {
  const { codexHome, models: setup, consolidate, ...options } = job;
  const store = await openState({ codexHome, artifacts: artifactImporter(codexHome), report: notice });
  try {
    const models = modelAccess(setup, { codexHome, env: environment() });
    const consolidator = consolidate ? ({ type: "builtin" } as const) : undefined;
    return await runPipeline({ ...options, store, codexHome, models, consolidator, report, signal });
  } finally {
    await store.close();
  }
}
