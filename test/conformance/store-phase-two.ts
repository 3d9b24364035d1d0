import { describe, expect, test } from "bun:test";
import type { ClaimPhaseTwo } from "#state/phase-two.ts";
import type { StateStore } from "#state/store.ts";
import { memoryRequirement } from "../compat/memory-cite.ts";
import { DAY, HOUR, output, T, threadId } from "../state/home.ts";
import { claim, claimOnly, fixture, type StoreUnderTest } from "./store.ts";

type Claimed = Extract<ClaimPhaseTwo, { type: "claimed" }>;

/** The one consolidation. */
export function phaseTwo(make: () => StoreUnderTest): void {
  const at = fixture(make);

  /** Learns from a new thread, which makes phase two due. */
  async function learn(n: number, updatedAt = T - DAY): Promise<void> {
    at.home.addRollout(threadId(n), { updatedAt });
    await at.store.threads.backfill();
    const { token } = await claimOnly(at.store);
    await at.store.stageOne.finish({ now: T, threadId: threadId(n), token, output: output() });
  }

  async function claimed(store: StateStore, now = T): Promise<Claimed> {
    const result = await store.phaseTwo.claim({ now, worker: "worker" });
    expect(result.type).toBe("claimed");
    return result as Claimed;
  }

  async function finish(store: StateStore, { token, inputWatermark }: Claimed, now = T, published = true) {
    const inputs = await store.phaseTwo.selectInputs({ limit: 1024 });
    const step = () => (published ? ("published" as const) : ("discarded" as const));
    return store.phaseTwo.finish({ now, token, inputWatermark, inputs, publish: step });
  }

  describe("phase two", () => {
    memoryRequirement(["mem.4.1"], "one of two claims wins", async () => {
      expect(await at.store.phaseTwo.claim({ now: T, worker: "a" })).toEqual({ type: "not_due" });
      await learn(1);
      const first = await claimed(at.store);
      expect(first).toMatchObject({ leaseUntil: T + 3600, inputWatermark: T - DAY, retryRemaining: 3 });
      expect(await at.other.phaseTwo.claim({ now: T, worker: "b" })).toEqual({
        type: "running",
        leaseUntil: T + 3600,
        worker: "worker",
      });
    });

    memoryRequirement(
      ["mem.4.2", "mem.4.3"],
      "the lease ends after an hour and its loser changes nothing",
      async () => {
        await learn(1);
        const first = await claimed(at.store);
        expect((await at.other.phaseTwo.claim({ now: T + 3599, worker: "b" })).type).toBe("running");
        const second = await claimed(at.other, T + 3600);
        expect(second.retryRemaining).toBe(2);
        const job = { kind: "memory_consolidate_global", jobKey: "global" } as const;
        let ran = false;
        const inputs = await at.store.phaseTwo.selectInputs({ limit: 10 });
        const publish = () => {
          ran = true;
          return "published" as const;
        };
        const lost = { now: T + 3601, token: first.token };
        expect(await at.store.stageOne.heartbeat({ ...job, ...lost })).toBe(false);
        expect(await at.store.phaseTwo.finish({ ...lost, inputWatermark: 0, inputs, publish })).toEqual({
          type: "lost",
        });
        expect(await at.store.phaseTwo.fail({ ...lost, error: "x", publish })).toEqual({ type: "lost" });
        expect(ran).toBe(false);
        expect(await at.store.stageOne.heartbeat({ ...job, token: second.token, now: T + 3601 })).toBe(true);
        expect(await finish(at.other, second, T + 3601)).toEqual({ type: "done", dueAgain: false });
        expect((await at.store.meta.read()).publishedToken).toBe(second.token);
      },
    );

    memoryRequirement(["mem.4.3"], "an owner whose lease ended cannot publish even if nobody took over", async () => {
      await learn(1);
      const first = await claimed(at.store);
      expect(await finish(at.store, first, T + 3600)).toEqual({ type: "lost" });
      const again = await claimed(at.store, T + 3600);
      expect(await finish(at.store, again, T + 3600 + 3599)).toEqual({ type: "done", dueAgain: false });
    });

    memoryRequirement(["mem.4.4"], "success stores what was consolidated and is due no more", async () => {
      await learn(1);
      const before = await at.store.phaseTwo.selectInputs({ limit: 10 });
      expect(before.sameAsLast).toBe(false);
      expect(await finish(at.store, await claimed(at.store))).toEqual({ type: "done", dueAgain: false });
      const meta = await at.store.meta.read();
      expect(meta.consolidatedGeneration).toBe(meta.inputGeneration);
      const after = await at.store.phaseTwo.selectInputs({ limit: 10 });
      expect(after.sameAsLast).toBe(true);
      expect(after.outputs.map((row) => row.selectedSourceUpdatedAt)).toEqual([T - DAY]);
      expect(await at.store.phaseTwo.claim({ now: T + DAY, worker: "a" })).toEqual({ type: "not_due" });
      await at.store.phaseTwo.enqueue();
      const second = await claimed(at.store);
      expect(second.inputWatermark).toBeGreaterThan(T - DAY);
    });

    memoryRequirement(["mem.4.5"], "what is learned meanwhile makes it due again after success", async () => {
      await learn(1);
      const first = await claimed(at.store);
      const inputs = await at.store.phaseTwo.selectInputs({ limit: 10 });
      await learn(2, T - 2 * DAY);
      expect((await at.other.phaseTwo.claim({ now: T, worker: "b" })).type).toBe("running");
      const { token, inputWatermark } = first;
      const end = await at.store.phaseTwo.finish({ now: T, token, inputWatermark, inputs, publish: () => "published" });
      expect(end).toEqual({ type: "done", dueAgain: true });
      expect((await at.store.phaseTwo.status({ now: T })).state).toBe("pending");
      expect((await at.store.phaseTwo.selectInputs({ limit: 10 })).sameAsLast).toBe(false);
      expect(await finish(at.store, await claimed(at.store))).toEqual({ type: "done", dueAgain: false });
    });

    memoryRequirement(["mem.4.6"], "a failure rests an hour; three exhaust it until something is learned", async () => {
      await learn(1);
      for (const [attempt, left] of [2, 1, 0].entries()) {
        const now = T + attempt * HOUR;
        const { token } = await claimed(at.store, now);
        const end = await at.store.phaseTwo.fail({ now, token, error: "agent failed" });
        expect(end).toEqual({ type: "failed", retryAt: now + HOUR, retryRemaining: left, published: false });
        const soon = await at.store.phaseTwo.claim({ now: now + HOUR - 1, worker: "a" });
        if (left > 0) expect(soon).toEqual({ type: "backing_off", retryAt: now + HOUR, error: "agent failed" });
        else expect(soon).toEqual({ type: "exhausted", error: "agent failed" });
      }
      expect((await at.store.phaseTwo.claim({ now: T + 9 * DAY, worker: "a" })).type).toBe("exhausted");
      expect(await at.store.phaseTwo.isDue({ now: T + 9 * DAY })).toBe(false);
      await learn(2);
      expect((await at.store.phaseTwo.claim({ now: T + 3 * HOUR - 1, worker: "a" })).type).toBe("backing_off");
      expect((await claimed(at.store, T + 3 * HOUR)).retryRemaining).toBe(3);
    });

    memoryRequirement(["mem.4.7"], "without any row the job is done without a step to publish", async () => {
      await at.store.outputs.reset();
      const { token, inputWatermark } = await claimed(at.store);
      const inputs = await at.store.phaseTwo.selectInputs({ limit: 10 });
      expect(inputs.outputs).toEqual([]);
      const end = await at.store.phaseTwo.finish({ now: T, token, inputWatermark, inputs });
      expect(end).toEqual({ type: "done", dueAgain: false });
      expect((await at.store.phaseTwo.claim({ now: T, worker: "a" })).type).toBe("not_due");
      expect((await at.store.phaseTwo.selectInputs({ limit: 10 })).sameAsLast).toBe(true);
    });

    test("discarded twice it comes back after a minute, the third time it is an error", async () => {
      await learn(1);
      let now = T;
      for (const inARow of [1, 2]) {
        const end = await finish(at.store, await claimed(at.store, now), now, false);
        expect(end).toEqual({ type: "discarded", retryAt: now + 60, inARow });
        expect((await at.store.phaseTwo.claim({ now: now + 59, worker: "a" })).type).toBe("backing_off");
        now += 60;
      }
      const third = await claimed(at.store, now);
      expect(third.retryRemaining).toBe(3);
      const end = await finish(at.store, third, now, false);
      expect(end).toEqual({ type: "failed", retryAt: now + HOUR, retryRemaining: 2, published: false });
      expect(await finish(at.store, await claimed(at.store, now + HOUR), now + HOUR, false)).toMatchObject({
        inARow: 1,
      });
    });

    test("a failed run may leave a substitute, and stays due", async () => {
      await learn(1);
      const { token } = await claimed(at.store);
      const end = await at.store.phaseTwo.fail({ now: T, token, error: "model", publish: () => "published" });
      expect(end).toEqual({ type: "failed", retryAt: T + HOUR, retryRemaining: 2, published: true });
      const meta = await at.store.meta.read();
      expect(meta.publishedToken).toBe(token);
      expect(meta.consolidatedGeneration).toBe(0);
      expect(await at.store.phaseTwo.isDue({ now: T + HOUR })).toBe(true);
    });

    test("when the publishing step throws, nothing is noted and the owner still owns the job", async () => {
      await learn(1);
      const mine = await claimed(at.store);
      const { token, inputWatermark } = mine;
      const inputs = await at.store.phaseTwo.selectInputs({ limit: 10 });
      const publish = () => {
        throw new Error("disk full");
      };
      const broken = at.store.phaseTwo.finish({ now: T, token, inputWatermark, inputs, publish });
      expect(broken).rejects.toThrow("disk full");
      await broken.catch(() => {});
      expect((await at.store.meta.read()).publishedToken).toBe("");
      expect(await finish(at.store, mine)).toEqual({ type: "done", dueAgain: false });
    });

    test("given back on shutdown it can be claimed at once", async () => {
      await learn(1);
      const { token } = await claimed(at.store);
      const job = { kind: "memory_consolidate_global", jobKey: "global", token } as const;
      expect(await at.store.stageOne.release({ ...job, retryAt: null })).toBe(true);
      expect((await claimed(at.other)).retryRemaining).toBe(3);
    });

    test("abandoned by three owners it is an error, until something is learned", async () => {
      await learn(1);
      for (const [hours, left] of [3, 2, 1, 0].entries())
        expect((await claimed(at.store, T + hours * HOUR)).retryRemaining).toBe(left);
      const end = T + 4 * HOUR;
      expect((await at.store.phaseTwo.status({ now: end })).state).toBe("stale");
      expect(await at.store.phaseTwo.isDue({ now: end })).toBe(true);
      const result = await at.store.phaseTwo.claim({ now: end, worker: "a" });
      expect(result).toEqual({ type: "exhausted", error: "abandoned by its workers" });
      expect((await at.store.phaseTwo.status({ now: end })).state).toBe("exhausted");
      await learn(2);
      expect((await claimed(at.store, end)).retryRemaining).toBe(3);
    });

    test("rows are selected by use, then by age, and only of the providers asked for", async () => {
      for (const n of [1, 2, 3, 4]) at.home.addRollout(threadId(n), { updatedAt: T - DAY + n, provider: `p${n % 2}` });
      await at.store.threads.backfill();
      for (const { threadId: id, token, thread } of await claim(at.store)) {
        const learned = output({ provider: thread.provider });
        await at.store.stageOne.finish({ now: T, threadId: id, token, output: learned });
      }
      await at.store.outputs.raiseUsage({ now: T, threadIds: [threadId(1), threadId(2), threadId(2)] });
      await at.store.outputs.raiseUsage({ now: T - 5, threadIds: [threadId(1)] });
      const select = async (options: { limit: number; providers?: string[] }) =>
        (await at.store.phaseTwo.selectInputs(options)).outputs.map((row) => row.threadId);
      expect(await select({ limit: 9 })).toEqual([1, 2, 4, 3].map(threadId));
      expect(await select({ limit: 2 })).toEqual([1, 2].map(threadId));
      expect(await select({ limit: 9, providers: ["p0"] })).toEqual([2, 4].map(threadId));
      expect(await select({ limit: 9, providers: [] })).toEqual([]);
      expect(await at.store.outputs.get(threadId(1))).toMatchObject({ usageCount: 2, lastUsage: T });
    });
  });
}
