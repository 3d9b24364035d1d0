import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import type { ModelRoute } from "#memories/write/phase-one/extract-model.ts";
import type { ModelAccess } from "#memories/write/phase-one/run.ts";
import { findModel } from "#providers/model-catalog.ts";
import { answered, called, line, patched, said } from "./rollout-lines.ts";
import { ANY_RULES, EMPTY, NOW, SECRET, Stage, threadId, USEFUL, WISH } from "./run-stage.ts";

let stage: Stage;

beforeEach(async () => {
  stage = await Stage.open();
});

afterEach(() => stage[Symbol.asyncDispose]());

describe("the built-in extractor", () => {
  test("claims, extracts and finishes what is due; an empty session is done without an output", async () => {
    const path = stage.session(1, USEFUL);
    stage.session(2, EMPTY);
    const { report, ends } = await stage.run();
    expect(report).toEqual({ claimed: 2, succeeded: 1, noOutput: 1, failed: 0, released: 0, lost: 0 });
    expect(ends.map(({ threadId: id, type }) => [id, type])).toEqual(
      expect.arrayContaining([
        [threadId(1), "succeeded"],
        [threadId(2), "no_output"],
      ]),
    );
    const [output, ...others] = await stage.store.outputs.list();
    expect(others).toEqual([]);
    expect(output).toMatchObject({
      threadId: threadId(1),
      rolloutPath: path,
      cwd: stage.home.cwd,
      project: stage.home.cwd,
      provider: "mock",
      model: "gpt-5.2-codex",
      extractor: "builtin",
    });
    expect(output?.rawMemory).toContain(`- ${WISH} [line 3]`);
    expect(JSON.parse(output?.evidence ?? "[]")[0]).toMatchObject({ statement: "preference", quote: WISH, line: 3 });
    expect((await stage.run()).report.claimed).toBe(0);
  });

  test("a project is the repository's root, and for a folder that is gone the nearest one known", async () => {
    const inside = join(stage.home.cwd, "packages/a");
    mkdirSync(inside, { recursive: true });
    stage.session(1, [line("turn_context", { cwd: inside, model: "m" }), ...USEFUL]);
    await stage.run();
    expect((await stage.store.outputs.get(threadId(1)))?.project).toBe(stage.home.cwd);
    stage.session(2, [line("turn_context", { cwd: join(stage.home.cwd, "packages/gone"), model: "m" }), ...USEFUL]);
    stage.session(3, [line("turn_context", { cwd: "/nowhere/at/all", model: "m" }), ...USEFUL]);
    await stage.run();
    expect((await stage.store.outputs.get(threadId(2)))?.project).toBe(stage.home.cwd);
    expect((await stage.store.outputs.get(threadId(3)))?.project).toBe("/nowhere/at/all");
  });

  test("fixes, commands and files with secrets taken out", async () => {
    stage.session(1, [
      said("user", "make fails"),
      called("c1", "make"),
      answered("c1", 2, `src/a.c:5:1: error: bad token ${SECRET}`),
      ...patched("c2", "*** Begin Patch\n*** Update File: src/a.c\n@@\n-x\n+y\n*** End Patch\n"),
      called("c3", "make"),
      answered("c3", 0, "done"),
    ]);
    await stage.run();
    const output = await stage.store.outputs.get(threadId(1));
    expect(output?.rawMemory).toContain("`make` in");
    expect(output?.rawMemory).toContain("error: bad token [REDACTED_SECRET]");
    expect(output?.rawMemory).toContain("`src/a.c`");
    expect(JSON.stringify(output)).not.toContain(SECRET);
  });

  test("a rollout that is gone or unreadable fails its job with a reason and burns one retry", async () => {
    const path = stage.session(1, USEFUL);
    await stage.store.threads.backfill();
    unlinkSync(path);
    mkdirSync(path);
    const { ends, report } = await stage.runIndexed({ limit: 5 });
    expect(report.failed).toBe(1);
    expect(ends[0]).toMatchObject({ type: "failed", error: expect.stringContaining(path) });
    const [failure] = (await stage.status()).failures;
    expect(failure).toMatchObject({ jobKey: threadId(1), retryRemaining: 2, retryAt: NOW + 3600 });
    rmSync(path, { recursive: true });
  });

  test("no more than the limit, no more than the concurrency at once", async () => {
    for (let number = 1; number <= 20; number++) stage.session(number, USEFUL);
    expect((await stage.run({ limit: 7, concurrency: 3 })).report).toMatchObject({ claimed: 7, succeeded: 7 });
    expect((await stage.run({ limit: 64 })).report.claimed).toBe(13);
  });

  test("files are brought up to date after finished jobs, one sync at a time", async () => {
    for (let number = 1; number <= 12; number++) stage.session(number, USEFUL);
    let [running, most, syncs] = [0, 0, 0];
    const sync = async () => {
      syncs++;
      most = Math.max(most, ++running);
      await Bun.sleep(5);
      running--;
    };
    await stage.run({ sync });
    expect(most).toBe(1);
    expect(syncs).toBeGreaterThanOrEqual(1);
    expect(running).toBe(0);
  });

  test("a sync that fails ends the run with its error, after all jobs were finished", async () => {
    stage.session(1, USEFUL);
    const broken = new Error("disk full");
    const thrown = await stage.run({ sync: () => Promise.reject(broken) }).catch((error: unknown) => error);
    expect(thrown).toBe(broken);
    expect(await stage.store.outputs.get(threadId(1))).toBeDefined();
  });
});

describe("stopping", () => {
  test("an abort gives running jobs back: pending, no retry burned, claimable at once", async () => {
    for (let number = 1; number <= 4; number++) stage.session(number, USEFUL);
    const stop = new AbortController();
    const models = stalled();
    const running = stage.run({ extractor: "auto", models: models.access, signal: stop.signal });
    await models.asked;
    stop.abort(new Error("SIGTERM"));
    const { report } = await running;
    expect(report.released).toBeGreaterThan(0);
    expect(report.claimed).toBe(report.released);
    const after = await stage.status();
    expect([after.running, after.stale, after.error, after.pending]).toEqual([0, 0, 0, 4]);
    expect((await stage.run()).report.succeeded).toBe(4);
  });

  test("a run that is stopped before it begins claims nothing", async () => {
    stage.session(1, USEFUL);
    expect((await stage.run({ signal: AbortSignal.abort(new Error("no")) })).report.claimed).toBe(0);
  });

  test("a lost lease stops the work and writes nothing over the new owner", async () => {
    stage.session(1, USEFUL);
    const models = stalled();
    let now = NOW;
    const running = stage.run({ extractor: "auto", models: models.access, heartbeatMs: 20, now: () => now });
    await models.asked;
    const takeover = NOW + 4000;
    const rules = { ...ANY_RULES, now: takeover };
    const [claim] = await stage.store.stageOne.claim({ ...rules, limit: 1, worker: "other" });
    expect(claim?.threadId).toBe(threadId(1));
    now = takeover;
    const { report, ends } = await running;
    expect(report).toMatchObject({ claimed: 1, lost: 1 });
    expect(ends).toMatchObject([{ type: "lost" }]);
    const owner = { kind: "memory_stage1" as const, jobKey: threadId(1), token: claim?.token ?? "", now: takeover };
    expect(await stage.store.stageOne.heartbeat(owner)).toBe(true);
  });
});

/** A model that never answers. */
function stalled(): { access: ModelAccess; asked: Promise<void> } {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const client: ModelRoute["client"] = {
    async *stream(_request, { signal }) {
      resolve();
      await new Promise<void>((done) => {
        if (signal.aborted) done();
        else signal.addEventListener("abort", () => done(), { once: true });
      });
      yield [{ type: "failed", failure: { retry: false, kind: "aborted", message: "aborted" } }];
    },
  };
  const route = { client, provider: "mock", model: findModel("gpt-5.2-codex"), chatgptLogin: false };
  return { access: { served: ["mock"], routeFor: () => route }, asked };
}
