import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { ClaimRules } from "#state/claims.ts";
import { stateDatabasePath } from "#state/open.ts";
import type { StateStore } from "#state/store.ts";
import { seedThreads } from "../../bench/state-seed.ts";
import { memoryRequirement } from "../compat/memory-cite.ts";
import { SeededRandom } from "./crash/random.ts";
import { DAY, HOUR, output, rules, T, type TestHome, testHome } from "./home.ts";

/** What only a look into the tables, or a great many of them, can show. */
describe("SQLite claims", () => {
  let home: TestHome;
  let store: StateStore;
  let db: Database;

  beforeAll(async () => {
    home = testHome();
    store = await home.open();
    db = new Database(stateDatabasePath(home.path), { strict: true });
    db.run("PRAGMA busy_timeout = 10000");
  });

  afterAll(async () => {
    db.close();
    await store.close();
    home.remove();
  });

  const OLD = "0-old";

  memoryRequirement(["mem.1.4"], "100,000 fresh or finished threads hide no older one", async () => {
    const threads = Array.from({ length: 100_000 }, (_, n) => ({
      id: `thread-${n}`,
      updatedAt: n % 2 === 0 ? T - n : T - 13 * HOUR - n,
      source: "cli",
    }));
    const finished = threads.filter(({ updatedAt }) => updatedAt <= T - 12 * HOUR);
    const jobs = finished.map(({ id, updatedAt }) => ({
      ...{ id, status: "done" as const, watermark: updatedAt, retryAt: null },
    }));
    const old = { id: OLD, updatedAt: T - 29 * DAY, source: "vscode" };
    seedThreads(home.databasePath, { threads: [...threads, old], jobs });
    const claims = await store.stageOne.claim({ ...rules(), limit: 64, worker: "w" });
    expect(claims.map((claim) => claim.threadId)).toEqual([OLD]);
  });

  test("the search reads the due index alone", () => {
    // On a connection of its own: an explained statement keeps its snapshot open.
    const reader = new Database(home.databasePath, { readonly: true });
    const plan = reader
      .query<{ detail: string }, []>(`
        EXPLAIN QUERY PLAN SELECT t.id, t.updated_at FROM threads t INDEXED BY threads_due
        WHERE t.due = 1 AND t.source = 'cli' AND t.updated_at BETWEEN 1 AND 2 AND t.blocked_until <= 3
          AND t.provider <> 'x' AND t.file_bytes < 9
        ORDER BY t.updated_at DESC, t.id DESC LIMIT 5`)
      .all();
    reader.close();
    expect(plan.map((row) => row.detail)).toEqual([
      "SEARCH t USING COVERING INDEX threads_due (source=? AND updated_at>? AND updated_at<?)",
    ]);
  });

  memoryRequirement(["mem.1.6"], "a running job without a lease may be taken over and is not counted", async () => {
    db.run("UPDATE jobs SET lease_until = NULL WHERE job_key = ?", [OLD]);
    const claims = await store.stageOne.claim({ ...rules({ now: T + 1 }), limit: 1, runningCap: 1, worker: "w" });
    expect(claims).toMatchObject([{ threadId: OLD, retryRemaining: 2 }]);
  });

  memoryRequirement(["mem.3.2"], "no other kind or key of a job can be stored", async () => {
    const insert = (kind: string, key: string) => () =>
      db.run("INSERT INTO jobs (kind, job_key, status, retry_remaining) VALUES (?, ?, 'pending', 3)", [kind, key]);
    expect(insert("memory_consolidate_cwd", "/work")).toThrow("CHECK");
    expect(insert("memory_consolidate_global", "user")).toThrow("CHECK");
    const [claim] = await store.stageOne.claim({ ...rules({ now: T + 2 * HOUR }), limit: 1, worker: "w" });
    const { threadId = "", token = "" } = claim ?? {};
    await store.stageOne.finish({ now: T + 2 * HOUR, threadId, token, output: output() });
    const kinds = db.query("SELECT DISTINCT kind, iif(kind = 'memory_stage1', '', job_key) AS key FROM jobs").all();
    expect(kinds).toEqual([
      { kind: "memory_consolidate_global", key: "global" },
      { kind: "memory_stage1", key: "" },
    ]);
  });

  test("the derived columns are right after all of it, and a wrong one is counted", async () => {
    expect(await store.threads.countWrongDueColumns()).toBe(0);
    db.run("UPDATE threads SET settled_at = 5 WHERE id = ?", [OLD]);
    expect(await store.threads.countWrongDueColumns()).toBe(1);
  });

  test("a wrong column can delay a thread, never claim it twice", async () => {
    db.run("UPDATE threads SET settled_at = -1, blocked_until = 0, due = 1");
    const due = rules();
    expect(await store.stageOne.anythingDue(due)).toBe(false);
    expect(await store.stageOne.claim({ ...due, limit: 64, worker: "w" })).toEqual([]);
  });
});

describe("claiming and explaining", () => {
  const PICKS = {
    status: ["pending", "running", "done", "error", "none"],
    lease: [null, T - 1, T, T + 1],
    retry: [null, T - 1, T, T + 1],
    watermark: [null, -1, 0, 1],
    source: ["cli", "vscode", "exec"],
    provider: ["a", "b"],
    mode: ["enabled", "enabled", "disabled", "polluted"],
    message: ["hello", "hello", ""],
    age: [12 * HOUR - 1, 12 * HOUR, DAY, 30 * DAY, 30 * DAY + 1],
  } as const;

  function addRandomThread(db: Database, id: string, random: SeededRandom): void {
    const pick = <T>(from: readonly T[]): T => from[random.int(0, from.length - 1)] as T;
    const updatedAt = T - pick(PICKS.age);
    const relative = (value: number | null) => (value === null ? null : updatedAt + value);
    db.query(`
      INSERT INTO threads (
        id, rollout_path, source, cwd, provider, title, first_user_message, created_at, updated_at, archived,
        memory_mode, file_bytes, file_mtime_ms
      ) VALUES (?, '/r', ?, '/w', ?, 't', ?, 0, ?, ?, ?, ?, 0)`).run(
      ...[id, pick(PICKS.source), pick(PICKS.provider), pick(PICKS.message), updatedAt],
      ...[random.chance(0.1) ? 1 : 0, pick(PICKS.mode), pick([10, 20])],
    );
    const status = pick(PICKS.status);
    if (status === "none") return;
    db.query(`
      INSERT INTO jobs (
        kind, job_key, status, lease_until, retry_at, retry_remaining, input_watermark, last_success_watermark
      ) VALUES ('memory_stage1', ?, ?, ?, ?, ?, ?, ?)`).run(
      ...[id, status, pick(PICKS.lease), pick(PICKS.retry), random.int(0, 3)],
      ...[relative(pick(PICKS.watermark)), relative(pick(PICKS.watermark))],
    );
  }

  test("agree on every one of 2,000 threads in every state", async () => {
    const variants: Partial<ClaimRules>[] = [
      {},
      { passRetryAt: true },
      { providers: { type: "only", providers: ["a"] }, maxFileBytes: 10 },
      { providers: { type: "except", providers: ["a"] }, sources: ["exec", "cli", "cli"], currentThread: "thread-7" },
      { session: "thread-3", passRetryAt: true },
      { minIdleSeconds: 0, maxAgeSeconds: 365 * DAY, sources: [] },
    ];
    for (const [seed, variant] of variants.entries()) {
      const home = testHome();
      const store = await home.open();
      const db = new Database(home.databasePath, { strict: true });
      const random = new SeededRandom(seed);
      const ids = Array.from({ length: 2000 }, (_, n) => `thread-${n}`);
      db.transaction(() => {
        for (const id of ids) addRandomThread(db, id, random);
      })();
      db.close();
      expect(await store.threads.countWrongDueColumns()).toBe(0);
      const asked = rules(variant);
      const explained = new Set<string>();
      for (const id of ids) if ((await store.stageOne.explain(id, asked)) === "claimable") explained.add(id);
      const expected =
        variant.session === undefined ? explained : new Set([variant.session].filter((id) => explained.has(id)));
      const limits = { limit: 5000, runningCap: 100_000, worker: "w" };
      const claims = await store.stageOne.claim({ ...asked, ...limits });
      expect(new Set(claims.map((claim) => claim.threadId))).toEqual(expected);
      if (variant.session === undefined && asked.sources.length > 0) expect(claims.length).toBeGreaterThan(20);
      expect(await store.threads.countWrongDueColumns()).toBe(0);
      expect(await store.stageOne.anythingDue(asked)).toBe(false);
      await store.close();
      home.remove();
    }
  });
});
