import { CodexError } from "#lib/errors.ts";
import { isCompiled } from "#lib/self.ts";
import type { PipelineProgress, PipelineReport } from "./start.ts";
import type { WorkerJob, WorkerMessage, WorkerRequest } from "./worker-job.ts";

export interface StartWorkerOptions {
  report?: (progress: PipelineProgress) => void;
  notice?: (text: string) => void;
  signal: AbortSignal;
}

/**
 * Runs one job in a worker of its own. Aborting asks the worker to give its jobs back, and the promise then resolves
 * with what was done until then. Rejects with `CodexError`: "interrupted" when it was stopped before it had begun,
 * else what makes the database or the memory root unusable.
 */
export function runInWorker(job: WorkerJob, options: StartWorkerOptions): Promise<PipelineReport> {
  const worker = new Worker(workerAddress());
  const send = (request: WorkerRequest) => worker.postMessage(request);
  const onAbort = () => send({ type: "stop" });
  return new Promise<PipelineReport>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<WorkerMessage>) => {
      switch (data.type) {
        case "progress":
          options.report?.(data.progress);
          return;
        case "notice":
          options.notice?.(data.text);
          return;
        case "done":
          return resolve(data.report);
        case "failed":
          return reject(new CodexError(data.code, data.message));
      }
    };
    worker.onerror = (event) => reject(new Error(`the memory worker failed: ${event.message}`));
    send({ type: "run", job });
    if (options.signal.aborted) onAbort();
    options.signal.addEventListener("abort", onAbort, { once: true });
  }).finally(() => {
    options.signal.removeEventListener("abort", onAbort);
    worker.terminate();
  });
}

/** An executable holds the worker under the path of its source; from sources it is the file beside this one. */
function workerAddress(): string | URL {
  return isCompiled() ? "./src/memories/write/worker.ts" : new URL("./worker.ts", import.meta.url);
}
