import { describe, expect, test } from "bun:test";
import type { MemoryMeta } from "#state/rows.ts";
import { DAY, output, rules, T, threadId } from "../state/home.ts";
import { addDue, claim, claimOnly, fixture, type StoreUnderTest } from "./store.ts";

/** Outputs, artifacts, pruning, budget and the one-time facts. */
export function rest(make: () => StoreUnderTest): void {
  const at = fixture(make);

  async function learn(count: number): Promise<string[]> {
    const ids = await addDue(at, count);
    for (const { threadId: id, token } of await claim(at.store))
      await at.store.stageOne.finish({ now: T, threadId: id, token, output: output({ rawMemory: `raw ${id}` }) });
    return ids;
  }

  async function generations(): Promise<[number, number]> {
    const { artifactsGeneration, inputGeneration } = await at.store.meta.read();
    return [artifactsGeneration, inputGeneration];
  }

  describe("outputs", () => {
    test("are listed newest first, whatever order they were learned in", async () => {
      const ids = await learn(3);
      expect((await at.store.outputs.list()).map((row) => row.threadId)).toEqual(ids.toReversed());
    });

    test("a sync sees one snapshot and notes its generation, unless the writer throws", async () => {
      const ids = await learn(2);
      const behind = await at.store.meta.read();
      expect(behind.syncedGeneration).toBe(0);
      const failing = at.store.outputs.inSyncTransaction(() => {
        throw new Error("disk full");
      });
      expect(failing).rejects.toThrow("disk full");
      await failing.catch(() => {});
      expect((await at.store.meta.read()).syncedGeneration).toBe(0);
      const seen = await at.store.outputs.inSyncTransaction((view) => view);
      expect(seen).toMatchObject({ artifactsGeneration: behind.artifactsGeneration, syncedGeneration: 0 });
      expect(seen.outputs.map((row) => row.threadId)).toEqual(ids.toReversed());
      const synced = await at.store.meta.read();
      expect(synced.syncedGeneration).toBe(synced.artifactsGeneration);
    });

    test("usage raises what files show, not what phase two consolidates", async () => {
      const [id] = await learn(1);
      const [artifacts, input] = await generations();
      const used = { now: T + 9, threadIds: [id ?? "", threadId(77)] };
      expect(await at.store.outputs.raiseUsage(used)).toBe(1);
      expect(await generations()).toEqual([artifacts + 1, input]);
    });

    test("a thread that is disabled hides its row at once and enabling shows it again", async () => {
      const [id = ""] = await learn(1);
      const before = await generations();
      expect(await at.store.threads.setMemoryMode(id, "disabled")).toBe(true);
      expect(await at.store.outputs.list()).toEqual([]);
      expect(await at.store.outputs.get(id)).toBeUndefined();
      expect(await generations()).toEqual([before[0] + 1, before[1] + 1]);
      await at.store.threads.setMemoryMode(id, "enabled");
      expect(await at.store.outputs.list()).toHaveLength(1);
      await at.store.threads.setMemoryMode(id, "polluted");
      await at.store.threads.setMemoryMode(id, "enabled");
      expect(await at.store.outputs.list()).toEqual([]);
      expect(await at.store.threads.setMemoryMode(threadId(77), "disabled")).toBe(false);
    });

    test("pruning removes rows of disabled threads, and of lost files only after a whole look", async () => {
      const [kept = "", disabled = "", lost = ""] = await learn(3);
      await at.store.threads.setMemoryMode(disabled, "disabled");
      at.home.removeRollout(lost);
      expect(await at.store.threads.backfill()).toMatchObject({ removed: 1, complete: true });
      expect((await at.store.outputs.list()).map((row) => row.threadId)).toEqual([lost, kept]);
      expect(await at.store.outputs.prune({ missing: false })).toEqual([disabled]);
      const before = await generations();
      expect(await at.store.outputs.prune({ missing: true })).toEqual([lost]);
      expect(await generations()).toEqual([before[0] + 1, before[1] + 1]);
      expect((await at.store.outputs.list()).map((row) => row.threadId)).toEqual([kept]);
      expect(await at.store.outputs.prune({ missing: true })).toEqual([]);
    });

    test("pruning stops at its limit and goes on the next time", async () => {
      const ids = await learn(5);
      for (const id of ids) at.home.removeRollout(id);
      await at.store.threads.backfill();
      expect(await at.store.outputs.prune({ missing: true, limit: 3 })).toEqual(ids.slice(0, 3));
      expect(await at.store.outputs.prune({ missing: true, limit: 3 })).toEqual(ids.slice(3));
    });

    test("archived threads keep their memories", async () => {
      const [id = ""] = await learn(1);
      at.home.removeRollout(id);
      at.home.addRollout(id, { updatedAt: T - DAY, archived: true });
      await at.store.threads.backfill();
      expect(await at.store.outputs.prune({ missing: true })).toEqual([]);
      expect(await at.store.outputs.list()).toHaveLength(1);
    });

    test("reset forgets rows and jobs, takes tokens away and keeps ledger and migration", async () => {
      await learn(2);
      await at.store.meta.startLegacyMigration();
      const budget = { now: T, budget: 100, tokens: 60, provider: "p", model: "m", threadId: null } as const;
      await at.store.ledger.reserve({ ...budget, jobKind: "memory_stage1", purpose: "stage_one" });
      at.home.addRollout(threadId(9), { updatedAt: T - DAY });
      await at.store.threads.backfill();
      const running = await claimOnly(at.store);
      const before = await generations();
      let removed = false;
      const counts = await at.other.outputs.reset(() => {
        removed = true;
      });
      expect([removed, counts]).toEqual([true, { outputs: 2, jobs: 4 }]);
      const late = { now: T, threadId: threadId(9), token: running.token, output: output() };
      expect(await at.store.stageOne.finish(late)).toBe(false);
      const after = await generations();
      expect(after[0]).toBeGreaterThan(before[0]);
      expect(after[1]).toBeGreaterThan(before[1]);
      expect((await at.store.meta.read()).legacyMigration).toBe("started");
      expect(await at.store.ledger.spentOn(T)).toBe(60);
      expect((await at.store.stageOne.status(rules())).pending).toBe(3);
    });
  });

  describe("ledger", () => {
    const call = { jobKind: "memory_stage1", purpose: "stage_one", provider: "p", model: "m", threadId: "t" } as const;
    const midnight = Math.ceil(T / DAY) * DAY;

    test("a reservation that fits exactly is booked, one token more is not", async () => {
      const reserve = (tokens: number, budget = 100) => at.store.ledger.reserve({ ...call, now: T, budget, tokens });
      expect(await reserve(40)).toMatchObject({ type: "reserved" });
      expect(await reserve(61)).toEqual({ type: "over_budget", spent: 40, retryAt: midnight });
      expect(await reserve(60)).toMatchObject({ type: "reserved" });
      expect(await reserve(1)).toEqual({ type: "over_budget", spent: 100, retryAt: midnight });
      expect(await reserve(0, 0)).toEqual({ type: "over_budget", spent: 100, retryAt: midnight });
    });

    test("real usage replaces the reservation, a lost call keeps it, and an overrun counts", async () => {
      const ids: number[] = [];
      for (let n = 0; n < 3; n++) {
        const booked = await at.store.ledger.reserve({ ...call, now: T + n, budget: 1000, tokens: 100 });
        if (booked.type === "reserved") ids.push(booked.id);
      }
      await at.store.ledger.settle(ids[0] ?? 0, { inputTokens: 500, cachedInputTokens: 400, outputTokens: 7 });
      await at.store.ledger.lose(ids[1] ?? 0);
      await at.store.ledger.lose(ids[0] ?? 0);
      expect(await at.store.ledger.spentOn(T)).toBe(507 + 100 + 100);
      const rows = await at.store.ledger.list({ since: T });
      expect(rows.map((row) => [row.state, row.reservedTokens, row.inputTokens, row.outputTokens])).toEqual([
        ["reserved", 100, 0, 0],
        ["lost", 100, 0, 0],
        ["done", 100, 500, 7],
      ]);
      expect(await at.store.ledger.list({ since: T + 1, limit: 1 })).toHaveLength(1);
    });

    test("each UTC day has its own budget", async () => {
      const reserve = (now: number) => at.store.ledger.reserve({ ...call, now, budget: 10, tokens: 10 });
      expect((await reserve(midnight - 1)).type).toBe("reserved");
      expect((await reserve(midnight - 1)).type).toBe("over_budget");
      expect((await reserve(midnight)).type).toBe("reserved");
      expect(await at.store.ledger.spentOn(midnight - DAY)).toBe(10);
    });

    test("two processes cannot both book the last tokens", async () => {
      const booked = await Promise.all(
        [at.store, at.other].map((store) => store.ledger.reserve({ ...call, now: T, budget: 10, tokens: 10 })),
      );
      expect(booked.map(({ type }) => type).sort()).toEqual(["over_budget", "reserved"]);
    });
  });

  describe("meta", () => {
    test("starts empty", async () => {
      expect(await at.store.meta.read()).toEqual({
        artifactsGeneration: 0,
        syncedGeneration: 0,
        inputGeneration: 0,
        consolidatedGeneration: 0,
        import: "done",
        legacyMigration: "none",
        publishedToken: "",
      } satisfies MemoryMeta);
    });

    test("the migration is finished once, by whoever is first", async () => {
      expect(await at.store.meta.startLegacyMigration()).toBe("none");
      expect(await at.other.meta.startLegacyMigration()).toBe("started");
      let runs = 0;
      const count = () => {
        runs++;
      };
      const failing = at.store.meta.finishLegacyMigration(() => {
        throw new Error("disk full");
      });
      expect(failing).rejects.toThrow("disk full");
      await failing.catch(() => {});
      expect(await at.store.meta.finishLegacyMigration(count)).toBe(true);
      expect(await at.other.meta.finishLegacyMigration(count)).toBe(false);
      expect(await at.other.meta.startLegacyMigration()).toBe("done");
      expect(runs).toBe(1);
    });

    test("notes are kept, and kept as they are when asked so", async () => {
      expect(await at.store.meta.getNote("model_run_announced_at")).toBeUndefined();
      expect(await at.store.meta.setNote("model_run_announced_at", "1", { onlyIfAbsent: true })).toBe(true);
      expect(await at.other.meta.setNote("model_run_announced_at", "2", { onlyIfAbsent: true })).toBe(false);
      expect(await at.store.meta.getNote("model_run_announced_at")).toBe("1");
      expect(await at.store.meta.setNote("model_run_announced_at", "3")).toBe(true);
      expect(await at.store.meta.getNote("model_run_announced_at")).toBe("3");
    });
  });
}
