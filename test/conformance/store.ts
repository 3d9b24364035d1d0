import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import type { StageOneClaim } from "#state/claims.ts";
import type { StateStore } from "#state/store.ts";
import { memoryRequirement } from "../compat/memory-cite.ts";
import { DAY, HOUR, output, type RolloutOptions, rules, T, threadId } from "../state/home.ts";

/** What an implementation gives the suite. */
export interface StoreUnderTest {
  /** Another handle on the same state, as another process would have. Closed by the suite. */
  open(): Promise<StateStore>;
  /** Writes a rollout into the home; the suite calls `backfill` itself. */
  addRollout(id: string, options: RolloutOptions): string;
  /** Removes a rollout again. */
  removeRollout(id: string): void;
  remove(): void;
}

/** State shared by the tests of a suite: a new home, two handles. */
export interface Fixture {
  home: StoreUnderTest;
  store: StateStore;
  other: StateStore;
}

/** Makes a new fixture before each test and removes all of them at the end. */
export function fixture(make: () => StoreUnderTest): Fixture {
  const made: Fixture[] = [];
  const current = {} as Fixture;
  beforeEach(async () => {
    const home = make();
    const [store, other] = [await home.open(), await home.open()];
    Object.assign(current, { home, store, other });
    made.push({ home, store, other });
  });
  afterAll(async () => {
    for (const { home, store, other } of made) {
      await store.close();
      await other.close();
      home.remove();
    }
  });
  return current;
}

const IDLE = 12 * HOUR;

/** Makes `count` claimable threads, thread 1 the oldest. */
export async function addDue({ home, store }: Fixture, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, index) => threadId(index + 1));
  for (const [index, id] of ids.entries()) home.addRollout(id, { updatedAt: T - IDLE - 1000 + index });
  await store.threads.backfill();
  return ids;
}

export async function claim(store: StateStore, changes: Parameters<typeof rules>[0] = {}, limit = 64) {
  return store.stageOne.claim({ ...rules(changes), limit, worker: "worker" });
}

/** Claims the one thread that must be due. */
export async function claimOnly(store: StateStore, now = T): Promise<StageOneClaim> {
  const claims = await claim(store, { now });
  expect(claims).toHaveLength(1);
  return claims[0] as StageOneClaim;
}

export async function isClaimable(store: StateStore, id: string, changes: Parameters<typeof rules>[0] = {}) {
  const due = await store.stageOne.anythingDue(rules(changes));
  const explained = (await store.stageOne.explain(id, rules(changes))) === "claimable";
  expect(due).toBe(explained);
  return due;
}

/** Selection: which threads are claimed, by one process or several. */
export function stageOneClaims(make: () => StoreUnderTest): void {
  const at = fixture(make);
  const only = threadId(1);

  async function addOne(options: Partial<RolloutOptions> = {}): Promise<void> {
    at.home.addRollout(only, { updatedAt: T - IDLE, ...options });
    await at.store.threads.backfill();
  }

  describe("selection", () => {
    for (const [age, due] of [
      [IDLE, true],
      [IDLE - 1, false],
      [IDLE + 1, true],
      [IDLE + 60, true],
      [IDLE - 60, false],
    ] as const) {
      memoryRequirement(["mem.1.2"], `idle for 12 h ${age - IDLE} s: ${due ? "claimed" : "left"}`, async () => {
        await addOne({ updatedAt: T - age });
        expect(await isClaimable(at.store, only)).toBe(due);
        expect(await claim(at.store)).toHaveLength(due ? 1 : 0);
      });
    }

    for (const [age, due] of [
      [30 * DAY, true],
      [30 * DAY + 1, false],
      [31 * DAY, false],
      [30 * DAY - 1, true],
    ] as const) {
      memoryRequirement(["mem.1.3"], `${age} s old: ${due ? "claimed" : "left"}`, async () => {
        await addOne({ updatedAt: T - age });
        expect(await isClaimable(at.store, only)).toBe(due);
        expect(await claim(at.store)).toHaveLength(due ? 1 : 0);
      });
    }

    memoryRequirement(["mem.1.1"], "the idle time is the one the claim is given", async () => {
      await addOne({ updatedAt: T - HOUR });
      expect(await claim(at.store, { minIdleSeconds: HOUR + 1 })).toEqual([]);
      expect(await claim(at.store, { minIdleSeconds: HOUR })).toHaveLength(1);
    });

    memoryRequirement(["mem.1.4"], "a fresher and a finished thread do not hide an older one", async () => {
      const [old, finished, fresh] = [threadId(1), threadId(2), threadId(3)];
      at.home.addRollout(finished, { updatedAt: T - IDLE - 10 });
      await at.store.threads.backfill();
      const done = await claimOnly(at.store);
      await at.store.stageOne.finish({ now: T, threadId: finished, token: done.token, output: output() });
      at.home.addRollout(old, { updatedAt: T - IDLE - 1000 });
      at.home.addRollout(fresh, { updatedAt: T - 10 });
      await at.store.threads.backfill();
      expect((await claim(at.store, {}, 1)).map((one) => one.threadId)).toEqual([old]);
    });

    memoryRequirement(["mem.1.5"], "10 fresh and 80 due: 54 are claimed, then none, then one", async () => {
      await addDue(at, 91);
      expect(await claim(at.store, {}, 10)).toHaveLength(10);
      expect(await claim(at.other)).toHaveLength(54);
      expect(await claim(at.store)).toEqual([]);
      const status = await at.store.stageOne.status(rules());
      expect(status.running).toBe(64);
      const [first] = await claim(at.store, { now: T + 1 }, 1);
      expect(first).toBeUndefined();
    });

    memoryRequirement(["mem.1.5"], "63 fresh: one is claimed; 64 fresh: none", async () => {
      await addDue(at, 70);
      expect(await claim(at.store, {}, 63)).toHaveLength(63);
      expect(await claim(at.other)).toHaveLength(1);
      expect(await claim(at.other)).toEqual([]);
    });

    test("a claim of none takes none, and one claim takes the newest first", async () => {
      const ids = await addDue(at, 3);
      expect(await claim(at.store, {}, 0)).toEqual([]);
      expect((await claim(at.store, {}, 2)).map((one) => one.threadId)).toEqual([ids[2], ids[1]] as string[]);
    });

    test("of equally old threads the higher id is first", async () => {
      for (const n of [2, 1, 3]) at.home.addRollout(threadId(n), { updatedAt: T - IDLE });
      await at.store.threads.backfill();
      expect((await claim(at.store)).map((one) => one.threadId)).toEqual([3, 2, 1].map(threadId));
    });

    memoryRequirement(["mem.1.6", "mem.1.7"], "a lease is taken over at its end and not a second before", async () => {
      await addOne();
      const first = await claimOnly(at.store);
      expect(first).toMatchObject({
        threadId: only,
        leaseUntil: T + 3600,
        inputWatermark: T - IDLE,
        retryRemaining: 3,
      });
      expect(await claim(at.other, { now: T + 3599 })).toEqual([]);
      const second = await claimOnly(at.other, T + 3600);
      expect(second.token).not.toBe(first.token);
      expect(second.retryRemaining).toBe(2);
      const lost = { now: T + 3601, threadId: only, token: first.token };
      const job = { kind: "memory_stage1", jobKey: only } as const;
      expect(await at.store.stageOne.finish({ ...lost, output: output() })).toBe(false);
      expect(await at.store.stageOne.fail({ ...lost, error: "late" })).toBe(false);
      expect(await at.store.stageOne.heartbeat({ ...job, now: T + 3601, token: first.token })).toBe(false);
      expect(await at.store.stageOne.release({ ...job, token: first.token, retryAt: null })).toBe(false);
      expect(await at.store.outputs.list()).toEqual([]);
      expect(await at.store.stageOne.heartbeat({ ...job, now: T + 3601, token: second.token })).toBe(true);
      expect(await at.other.stageOne.finish({ ...lost, token: second.token, output: output() })).toBe(true);
    });

    memoryRequirement(["mem.1.6"], "ended leases are not counted for the cap", async () => {
      await addDue(at, 65);
      expect(await claim(at.store, {}, 64)).toHaveLength(64);
      expect(await claim(at.other, { now: T + 3599 })).toEqual([]);
      expect(await claim(at.other, { now: T + 3600 })).toHaveLength(64);
    });

    memoryRequirement(["mem.1.8"], "what never feeds memory is never claimed", async () => {
      at.home.addRollout(threadId(1), { updatedAt: T - DAY, source: "exec" });
      at.home.addRollout(threadId(2), { updatedAt: T - DAY, source: { subagent: "review" } });
      at.home.addRollout(threadId(3), { updatedAt: T - DAY, message: "" });
      at.home.addRollout(threadId(4), { updatedAt: T - DAY, archived: true });
      at.home.addRollout(threadId(5), { updatedAt: T - DAY, memoryMode: "disabled" });
      at.home.addRollout(threadId(6), { updatedAt: T - DAY, memoryMode: "polluted" });
      at.home.addRollout(threadId(7), { updatedAt: T - DAY });
      at.home.addRollout(threadId(8), { updatedAt: T - DAY, source: "vscode" });
      await at.store.threads.backfill();
      const claimed = await claim(at.store, { currentThread: threadId(7) });
      expect(claimed.map((one) => one.threadId)).toEqual([threadId(8)]);
      const status = await at.store.stageOne.status(rules({ currentThread: threadId(7) }));
      expect(status).toEqual({
        pending: 0,
        running: 1,
        stale: 0,
        done: 0,
        error: 0,
        waiting: {
          ...{ source: 2, no_user_message: 1, archived: 1, disabled: 1, polluted: 1, current: 1, running: 1 },
        },
        failures: [],
      });
      expect((await claim(at.store, { sources: ["exec"] })).map((one) => one.threadId)).toEqual([threadId(1)]);
      expect((await claim(at.store)).map((one) => one.threadId)).toEqual([threadId(7)]);
    });

    memoryRequirement(["mem.1.8"], "a thread by name passes source, idle time and age, not a fresh owner", async () => {
      at.home.addRollout(only, { updatedAt: T - 5, source: "exec" });
      await at.store.threads.backfill();
      expect(await claim(at.store)).toEqual([]);
      expect(await claim(at.store, { session: only })).toHaveLength(1);
      expect(await at.other.stageOne.explain(only, rules({ session: only }))).toBe("running");
      expect(await claim(at.other, { session: only, passRetryAt: true })).toEqual([]);
    });

    test("providers decide who may be claimed", async () => {
      at.home.addRollout(threadId(1), { updatedAt: T - DAY, provider: "openai" });
      at.home.addRollout(threadId(2), { updatedAt: T - DAY, provider: "local" });
      await at.store.threads.backfill();
      const wanted = (type: "only" | "except", ...providers: string[]) => rules({ providers: { type, providers } });
      expect(await at.store.stageOne.anythingDue(wanted("only"))).toBe(false);
      expect(await at.store.stageOne.explain(threadId(1), wanted("only", "local"))).toBe("provider");
      const except = await at.store.stageOne.claim({ ...wanted("except", "local"), limit: 9, worker: "w" });
      expect(except.map((one) => one.threadId)).toEqual([threadId(1)]);
      const local = await at.store.stageOne.claim({ ...wanted("only", "local"), limit: 9, worker: "w" });
      expect(local.map((one) => one.threadId)).toEqual([threadId(2)]);
    });

    test("large rollouts can be left to a process that has time", async () => {
      await addOne();
      const bytes = (await at.store.threads.get(only))?.fileBytes ?? 0;
      expect(await isClaimable(at.store, only, { maxFileBytes: bytes - 1 })).toBe(false);
      expect(await isClaimable(at.store, only, { maxFileBytes: bytes })).toBe(true);
    });

    memoryRequirement(["mem.3.2"], "a success in two working folders makes one consolidation job", async () => {
      await addDue(at, 2);
      for (const { threadId: id, token } of await claim(at.store)) {
        const learned = output({ cwd: `/${id}`, project: `/${id}` });
        expect(await at.store.stageOne.finish({ now: T, threadId: id, token, output: learned })).toBe(true);
      }
      const first = await at.store.phaseTwo.claim({ now: T, worker: "a" });
      expect(first.type).toBe("claimed");
      expect((await at.store.phaseTwo.claim({ now: T, worker: "b" })).type).toBe("running");
    });
  });
}
