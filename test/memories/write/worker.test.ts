import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CodexError } from "#lib/errors.ts";
import { artifactImporter } from "#memories/write/artifacts/import.ts";
import type { PipelineProgress } from "#memories/write/start.ts";
import { runInWorker } from "#memories/write/start-worker.ts";
import type { WorkerJob } from "#memories/write/worker-job.ts";
import { openState } from "#state/open.ts";
import { expandCorpus, loadMemoryCorpus } from "../../support/memory-corpus.ts";
import { type TempHome, tempHome } from "../../support/temp-home.ts";

let home: TempHome;

beforeAll(async () => {
  home = await tempHome();
  await expandCorpus((await loadMemoryCorpus()).slice(0, 12), home.codexHome);
});

afterAll(() => home[Symbol.asyncDispose]());

function job(fields: Partial<WorkerJob> = {}): WorkerJob {
  return {
    codexHome: home.codexHome,
    worker: "tester",
    rules: { minIdleSeconds: 0, maxAgeSeconds: 10 * 365 * 86_400, sources: ["cli", "vscode", "exec"] },
    extractor: "builtin",
    mayCallModels: false,
    dailyTokenBudget: 0,
    maxClaims: 64,
    maxInputs: 1024,
    backfill: true,
    models: { callable: [], originator: "codex_test" },
    consolidate: true,
    ...fields,
  };
}

test("a run in the worker, from sources: sessions become rows, files and MEMORY.md", async () => {
  const seen: PipelineProgress[] = [];
  const signal = new AbortController().signal;
  const report = await runInWorker(job(), { report: (progress) => seen.push(progress), signal });
  expect(report.phaseOne.claimed).toBe(12);
  expect(report.phaseOne.succeeded + report.phaseOne.noOutput).toBe(12);
  expect(report.phaseTwo).toEqual({ type: "published" });
  expect(seen.filter(({ type }) => type === "job")).toHaveLength(12);
  expect(readdirSync(join(home.codexHome, "memories/rollout_summaries"))).toHaveLength(report.phaseOne.succeeded);
  expect(existsSync(join(home.codexHome, "memories/MEMORY.md"))).toBe(true);
  const again = await runInWorker(job(), { signal });
  expect(again.phaseOne.claimed).toBe(0);
  expect(again.artifacts).toEqual({ written: 0, removed: 0 });
});

test("a worker that is told to stop before it begins gives nothing away and ends", async () => {
  const store = await openState({
    codexHome: home.codexHome,
    artifacts: artifactImporter(home.codexHome),
    report: () => {},
  });
  await store.outputs.reset();
  await store.close();
  const stopped = await runInWorker(job(), { signal: AbortSignal.abort() }).catch((error: unknown) => error);
  expect(stopped).toBeInstanceOf(CodexError);
  expect((stopped as CodexError).code).toBe("interrupted");
  const report = await runInWorker(job(), { signal: new AbortController().signal });
  expect(report.phaseOne.claimed).toBe(12);
});

test("a worker that is told to stop in the middle gives its jobs back and ends with what was done", async () => {
  const { codexHome } = home;
  const store = await openState({ codexHome, artifacts: artifactImporter(codexHome), report: () => {} });
  await store.outputs.reset();
  const stop = new AbortController();
  const report = await runInWorker(job(), {
    report: ({ type }) => (type === "job" ? stop.abort() : undefined),
    signal: stop.signal,
  });
  expect(report.phaseOne.claimed).toBeGreaterThanOrEqual(1);
  if (report.phaseOne.claimed < 12) expect(report.phaseTwo).toBeUndefined();
  const rules = { ...job().rules, now: Math.floor(Date.now() / 1000), providers: { type: "any" as const } };
  const after = await store.stageOne.status(rules);
  await store.close();
  expect([after.running, after.stale, after.error]).toEqual([0, 0, 0]);
  expect(after.done + after.pending).toBe(12);
});

test("what makes the root unusable comes back as the error it is", async () => {
  const root = join(home.codexHome, "memories");
  rmSync(root, { recursive: true });
  writeFileSync(root, "in the way");
  const error = await runInWorker(job(), { signal: new AbortController().signal }).catch((thrown: unknown) => thrown);
  rmSync(root);
  expect(error).toBeInstanceOf(CodexError);
  expect((error as CodexError).code).toBe("memory_root");
});
