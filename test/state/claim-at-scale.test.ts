import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { stateDatabasePath } from "#state/open.ts";
import type { StateStore } from "#state/store.ts";
import { seedThreads } from "../../bench/state-seed.ts";
import { memoryRequirement } from "../compat/memory-cite.ts";
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
