import { nextTurn } from "#lib/abort.ts";
import { CodexError, messageOf } from "#lib/errors.ts";
import { runJob } from "./run-job.ts";
import type { WorkerMessage, WorkerRequest } from "./worker-job.ts";

/**
 * Entry point of the pipeline's worker: scanning, parsing and database work off the thread that streams and draws.
 * Gets one job; ends with `done` or `failed`.
 */
declare const self: Worker;

const stop = new AbortController();

self.onmessage = ({ data }: MessageEvent<WorkerRequest>) => {
  if (data.type === "stop") stop.abort(new Error("the pipeline was stopped"));
  else void run(data);
};

async function run({ job }: Extract<WorkerRequest, { type: "run" }>): Promise<void> {
  const send = (message: WorkerMessage) => self.postMessage(message);
  try {
    // A stop that was sent right after the job is heard before anything is claimed.
    await nextTurn();
    const report = await runJob(job, {
      report: (progress) => send({ type: "progress", progress }),
      notice: (text) => send({ type: "notice", text }),
      signal: stop.signal,
    });
    send({ type: "done", report });
  } catch (error) {
    send({ type: "failed", code: codeOf(error), message: messageOf(error) });
  }
}

function codeOf(error: unknown): string {
  if (stop.signal.aborted) return "interrupted";
  return error instanceof CodexError ? error.code : "internal";
}
