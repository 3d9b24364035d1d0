import { describe, expect, test } from "bun:test";
import { memoryRequirement } from "../compat/memory-cite.ts";
import { DAY, HOUR, output, rules, T, threadId } from "../state/home.ts";
import { claim, claimOnly, fixture, isClaimable, type StoreUnderTest } from "./store.ts";

/** How phase-one jobs end, and when they are tried again. */
export function stageOneEnds(make: () => StoreUnderTest): void {
  const at = fixture(make);
  const only = threadId(1);
  const updatedAt = T - DAY;
  const job = { kind: "memory_stage1", jobKey: only } as const;

  async function write(time: number): Promise<void> {
    at.home.addRollout(only, { updatedAt: time });
    await at.store.threads.backfill();
  }

  describe("ends", () => {
    memoryRequirement(["mem.1.9"], "an output makes the thread up to date until it is written to again", async () => {
      await write(updatedAt);
      const { token } = await claimOnly(at.store);
      expect(await at.store.stageOne.finish({ now: T + 5, threadId: only, token, output: output() })).toBe(true);
      expect(await at.store.outputs.list()).toEqual([
        {
          ...output(),
          threadId: only,
          sourceUpdatedAt: updatedAt,
          generatedAt: T + 5,
          usageCount: 0,
          lastUsage: null,
          selectedSourceUpdatedAt: null,
        },
      ]);
      expect((await at.store.threads.get(only))?.project).toBe("/work");
      expect(await claim(at.store, { now: T + DAY })).toEqual([]);
      expect(await at.store.stageOne.explain(only, rules())).toBe("up_to_date");
      await write(updatedAt + 1);
      const again = await claimOnly(at.store);
      expect(again.inputWatermark).toBe(updatedAt + 1);
      expect(await at.store.stageOne.finish({ now: T, threadId: only, token, output: null })).toBe(false);
    });

    memoryRequirement(["mem.1.9", "mem.2.3"], "a run without output is not repeated and enqueues nothing", async () => {
      await write(updatedAt);
      const { token } = await claimOnly(at.store);
      expect(await at.store.stageOne.finish({ now: T, threadId: only, token, output: null })).toBe(true);
      expect(await claim(at.store, { now: T + DAY })).toEqual([]);
      expect(await at.store.phaseTwo.isDue({ now: T })).toBe(false);
      expect((await at.store.meta.read()).inputGeneration).toBe(0);
    });

    memoryRequirement(["mem.2.3"], "a run without output removes the older row and makes phase two due", async () => {
      await write(updatedAt);
      const first = await claimOnly(at.store);
      await at.store.stageOne.finish({ now: T, threadId: only, token: first.token, output: output() });
      await write(updatedAt + 1);
      const second = await claimOnly(at.store);
      const before = await at.store.meta.read();
      const blank = output({ rawMemory: " \n", rolloutSummary: "" });
      expect(await at.store.stageOne.finish({ now: T, threadId: only, token: second.token, output: blank })).toBe(true);
      const after = await at.store.meta.read();
      expect(await at.store.outputs.list()).toEqual([]);
      expect([after.inputGeneration, after.artifactsGeneration]).toEqual([
        before.inputGeneration + 1,
        before.artifactsGeneration + 1,
      ]);
    });

    memoryRequirement(["mem.1.10"], "three failures, an hour apart, exhaust a thread", async () => {
      await write(updatedAt);
      for (const [attempt, left] of [2, 1, 0].entries()) {
        const now = T + attempt * HOUR;
        const one = await claimOnly(at.store, now);
        expect(one.retryRemaining).toBe(3 - attempt);
        expect(await at.store.stageOne.fail({ now, threadId: only, token: one.token, error: "no" })).toBe(true);
        const status = await at.store.stageOne.status(rules({ now }));
        expect(status.failures).toEqual([
          {
            jobKey: only,
            error: "no",
            finishedAt: now,
            retryAt: left > 0 ? now + HOUR : null,
            retryRemaining: left,
          },
        ]);
        expect(await isClaimable(at.store, only, { now: now + HOUR - 1 })).toBe(false);
        expect(await isClaimable(at.store, only, { now: now + HOUR })).toBe(left > 0);
      }
      expect(await at.store.stageOne.explain(only, rules({ now: T + 9 * DAY }))).toBe("exhausted");
      expect(await claim(at.store, { now: T + 9 * DAY, passRetryAt: true })).toEqual([]);
      await write(updatedAt + 1);
      expect((await claimOnly(at.store, T + 2 * HOUR)).retryRemaining).toBe(3);
    });

    memoryRequirement(["mem.1.10"], "new content passes a back-off at once, and so does asking for it", async () => {
      await write(updatedAt);
      const { token } = await claimOnly(at.store);
      await at.store.stageOne.fail({ now: T, threadId: only, token, error: "no" });
      expect(await claim(at.store)).toEqual([]);
      expect(await isClaimable(at.store, only, { passRetryAt: true })).toBe(true);
      await write(updatedAt + 1);
      expect((await claimOnly(at.store)).retryRemaining).toBe(3);
    });

    memoryRequirement(["mem.1.10"], "a success does not restore the retries, and clears the error", async () => {
      await write(updatedAt);
      const first = await claimOnly(at.store);
      await at.store.stageOne.fail({ now: T, threadId: only, token: first.token, error: "no" });
      const second = await claimOnly(at.store, T + HOUR);
      expect(second.retryRemaining).toBe(2);
      await at.store.stageOne.finish({ now: T + HOUR, threadId: only, token: second.token, output: output() });
      expect((await at.store.stageOne.status(rules({ now: T + HOUR }))).failures).toEqual([]);
    });

    test("each takeover burns a retry; left with none the job is an error that new content mends", async () => {
      await write(updatedAt);
      for (const [attempt, left] of [3, 2, 1, 0].entries()) {
        expect((await claimOnly(at.store, T + attempt * HOUR)).retryRemaining).toBe(left);
      }
      const end = T + 4 * HOUR;
      expect(await at.store.stageOne.anythingDue(rules({ now: end - 1 }))).toBe(false);
      expect(await at.store.stageOne.anythingDue(rules({ now: end }))).toBe(true);
      expect(await claim(at.store, { now: end })).toEqual([]);
      const status = await at.store.stageOne.status(rules({ now: end }));
      expect(status.failures).toEqual([
        { jobKey: only, error: "abandoned by its workers", finishedAt: end, retryAt: null, retryRemaining: 0 },
      ]);
      expect(status.stale).toBe(0);
      expect(await at.store.stageOne.anythingDue(rules({ now: end + DAY }))).toBe(false);
      await write(updatedAt + 1);
      expect((await claimOnly(at.store, end)).retryRemaining).toBe(3);
    });

    test("a job given back on shutdown is claimable at once and keeps its retries", async () => {
      await write(updatedAt);
      const first = await claimOnly(at.store);
      expect(await at.store.stageOne.release({ ...job, token: first.token, retryAt: null })).toBe(true);
      expect(await at.store.stageOne.release({ ...job, token: first.token, retryAt: null })).toBe(false);
      expect((await at.store.stageOne.status(rules())).pending).toBe(1);
      const second = await claimOnly(at.other);
      expect(second.retryRemaining).toBe(3);
      expect(second.token).not.toBe(first.token);
    });

    test("the last attempt is still owed when it was given back", async () => {
      await write(updatedAt);
      for (const hours of [0, 1, 2]) await claimOnly(at.store, T + hours * HOUR);
      const last = await claimOnly(at.store, T + 3 * HOUR);
      expect(last.retryRemaining).toBe(0);
      await at.store.stageOne.release({ ...job, token: last.token, retryAt: null });
      expect((await claimOnly(at.store, T + 3 * HOUR)).retryRemaining).toBe(0);
    });

    test("over budget a job waits for its time, unless there is new content or it is asked for", async () => {
      await write(updatedAt);
      const { token } = await claimOnly(at.store);
      const midnight = T + 16 * HOUR;
      expect(await at.store.stageOne.release({ ...job, token, retryAt: midnight })).toBe(true);
      expect(await at.store.stageOne.explain(only, rules())).toBe("over_budget");
      expect(await isClaimable(at.store, only, { now: midnight - 1 })).toBe(false);
      expect(await isClaimable(at.store, only, { now: midnight })).toBe(true);
      expect(await isClaimable(at.store, only, { passRetryAt: true })).toBe(true);
      await write(updatedAt + 1);
      expect((await claimOnly(at.store)).retryRemaining).toBe(3);
    });

    memoryRequirement(["mem.4.2"], "a heartbeat moves a fresh lease and only with its token", async () => {
      await write(updatedAt);
      const { token } = await claimOnly(at.store);
      expect(await at.store.stageOne.heartbeat({ ...job, token: "other", now: T + 30 })).toBe(false);
      expect(await at.store.stageOne.heartbeat({ ...job, token, now: T + 3599 })).toBe(true);
      expect(await claim(at.other, { now: T + 3599 + 3599 })).toEqual([]);
      expect(await at.store.stageOne.heartbeat({ ...job, token, now: T + 3599 + 3600 })).toBe(false);
      expect(await claim(at.other, { now: T + 3599 + 3600 })).toHaveLength(1);
    });

    test("an owner whose lease ended without a takeover can still finish phase one", async () => {
      await write(updatedAt);
      const { token } = await claimOnly(at.store);
      const late = { now: T + DAY, threadId: only, token, output: output() };
      expect(await at.store.stageOne.finish(late)).toBe(true);
      expect(await at.store.stageOne.finish(late)).toBe(false);
    });

    test("an output of an older state never replaces a newer one", async () => {
      await write(updatedAt);
      const { token } = await claimOnly(at.store);
      await at.store.stageOne.finish({ now: T, threadId: only, token, output: output({ rawMemory: "new" }) });
      await write(updatedAt - HOUR);
      expect(await claim(at.store)).toEqual([]);
      expect((await at.store.outputs.get(only))?.rawMemory).toBe("new");
    });

    test("status counts each state once", async () => {
      for (const n of [1, 2, 3, 4, 5]) at.home.addRollout(threadId(n), { updatedAt: updatedAt + n });
      at.home.addRollout(threadId(6), { updatedAt: T - HOUR });
      at.home.addRollout(threadId(7), { updatedAt: T - 40 * DAY });
      await at.store.threads.backfill();
      const [five, four] = await claim(at.store, { now: T - HOUR }, 2);
      await at.store.stageOne.finish({ now: T, threadId: threadId(5), token: five?.token ?? "", output: output() });
      await at.store.stageOne.fail({ now: T, threadId: threadId(4), token: four?.token ?? "", error: "no" });
      await claim(at.store, { now: T - HOUR }, 1);
      await claim(at.store, { now: T - 10 }, 1);
      const status = await at.store.stageOne.status(rules());
      expect(status).toMatchObject({ pending: 2, running: 1, stale: 1, done: 1, error: 1 });
      expect(status.waiting).toEqual({ running: 1, backing_off: 1, too_recent: 1, too_old: 1 });
    });

    test("a thread that the index does not know is unknown", async () => {
      expect(await at.store.stageOne.explain(threadId(99), rules())).toBe("unknown_thread");
      expect(await claim(at.store, { session: threadId(99) })).toEqual([]);
    });
  });
}
