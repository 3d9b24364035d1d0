import { Database } from "bun:sqlite";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openState, stateDatabasePath } from "#state/open.ts";
import type { StateStore } from "#state/store.ts";
import { seedThreads } from "../../../bench/state-seed.ts";
import { NOTHING_TO_IMPORT, output, T, threadId } from "../home.ts";
import { installAudit, readAudit } from "./audit.ts";
import { checkHistory, type FinalState } from "./check.ts";
import { Client } from "./client.ts";
import { type Entry, historyRules, type Operation, type Outcome } from "./operations.ts";
import type { WorkerPool, WorkerProcess } from "./pool.ts";
import { SeededRandom } from "./random.ts";

/** Processes of a history, each with its own clock. */
export const CLIENTS = 4;
const OPERATIONS_EACH = 9;

export interface HistoryResult {
  seed: number;
  entries: Entry[];
  kills: number;
  /** What was wrong, in sentences; empty for a sound history. */
  problems: string[];
}

/** Plays one history on real processes, lets the survivors finish everything, and checks what was recorded. */
export async function runHistory(seed: number, pool: WorkerPool): Promise<HistoryResult> {
  const home = mkdtempSync(join(tmpdir(), "codex-crash-"));
  const store = await openState({ codexHome: home, artifacts: NOTHING_TO_IMPORT, report: () => {} });
  const db = new Database(stateDatabasePath(home), { strict: true });
  try {
    db.run("PRAGMA busy_timeout = 10000");
    const history = new History(seed, home, db, pool);
    await history.play();
    const final = await history.settle(store);
    const problems = checkHistory({ entries: history.entries, audit: readAudit(db), cap: history.cap, final });
    return { seed, entries: history.entries, kills: history.kills, problems };
  } finally {
    db.close();
    await store.close();
    rmSync(home, { recursive: true, force: true });
  }
}

class History {
  readonly entries: Entry[] = [];
  readonly cap: number;
  kills = 0;
  readonly #random: SeededRandom;
  readonly #home: string;
  readonly #db: Database;
  readonly #pool: WorkerPool;
  readonly #threads: number;
  #time = T;

  constructor(seed: number, home: string, db: Database, pool: WorkerPool) {
    this.#random = new SeededRandom(seed);
    this.#home = home;
    this.#db = db;
    this.#pool = pool;
    // Every fourth history runs into the product's own limit, the others into one that few threads fill.
    this.cap = seed % 4 === 0 ? 64 : this.#random.int(2, 6);
    this.#threads = Math.ceil(this.cap * 1.5) + 4;
  }

  async play(): Promise<void> {
    const threads = Array.from({ length: this.#threads }, (_, n) => ({
      id: threadId(n),
      updatedAt: T - 20_000 - this.#random.int(0, 9000),
      source: n % 2 === 0 ? "cli" : "vscode",
    }));
    seedThreads(stateDatabasePath(this.#home), { threads, jobs: [] });
    installAudit(this.#db);
    // Chosen beforehand: somebody dies in every history.
    const victim = this.#random.int(0, CLIENTS - 1);
    const death = this.#random.int(1, OPERATIONS_EACH - 2);
    const clients = Array.from({ length: CLIENTS }, (_, slot) => {
      const own = new SeededRandom(this.#random.int(0, 2 ** 31));
      return this.#playClient(new Client(slot, own, this.cap), own, slot === victim ? death : -1);
    });
    await Promise.all(clients);
  }

  async #playClient(client: Client, random: SeededRandom, death: number): Promise<void> {
    for (let step = 0; step < OPERATIONS_EACH; step++) {
      this.#time += random.chance(0.12) ? random.int(3000, 4500) : random.int(0, 400);
      if (random.chance(0.1)) this.#write(random.int(0, this.#threads - 1));
      const operation = client.choose(this.#time);
      // What ends a job writes most, so it is interrupted most.
      const dies = step === death || random.chance(operation.type.startsWith("finish") ? 0.1 : 0.02);
      const result = await this.#perform(client.slot, operation, dies ? random : undefined);
      this.entries.push({ client: client.slot, operation, result });
      client.learn(operation, result);
    }
  }

  /** New content in a thread. */
  #write(n: number): void {
    const id = threadId(n);
    this.#db.query("UPDATE threads SET updated_at = updated_at + 1 WHERE id = $id").run({ id });
  }

  async #perform(slot: number, operation: Operation, death: SeededRandom | undefined): Promise<Outcome | "lost"> {
    const worker = await this.#pool.worker(slot);
    if (death === undefined) return worker.call(this.#home, operation, { type: "none" });
    this.kills++;
    const outcome = await this.#performDying(worker, operation, death);
    await worker.kill();
    return outcome;
  }

  #performDying(worker: WorkerProcess, operation: Operation, random: SeededRandom): Promise<Outcome | "lost"> {
    const kind = random.int(0, 3);
    if (kind === 0) return worker.call(this.#home, operation, { type: "after" });
    if (kind === 1) return worker.call(this.#home, { ...operation, dies: true } as Operation, { type: "after" });
    if (kind === 2) return worker.call(this.#home, operation, { type: "statement", n: random.int(0, 9) });
    // From outside, at any moment of the work or before it begins.
    const result = worker.call(this.#home, operation, { type: "none" });
    return Bun.sleep(random.next() * 2).then(() => worker.kill().then(() => result));
  }

  /** Crashes stop, the clock passes every lease and back-off, and work goes on until nothing is claimable. */
  async settle(store: StateStore): Promise<FinalState> {
    let now = this.#time + 20_000;
    for (let round = 0; round < 12; round++, now += 20_000) {
      const worker = `settle.${round}`;
      const before = this.#lastSequence();
      const claims = await store.stageOne.claim({ ...historyRules(now), limit: 64, runningCap: this.cap, worker });
      const told = claims.map(({ threadId: id, token }) => ({ threadId: id, token }));
      const result = { claims: told, before, after: this.#lastSequence() };
      this.#record({ type: "claim", now, limit: 64, cap: this.cap, worker }, result);
      for (const { threadId: id, token } of claims) await this.#end(store, id, token, now);
      if (claims.length === 0 && !(await store.stageOne.anythingDue(historyRules(now)))) break;
    }
    for (let round = 0; round < 12 && (await store.phaseTwo.isDue({ now })); round++, now += 20_000) {
      const worker = `settle.g${round}`;
      const claim = await store.phaseTwo.claim({ now, worker });
      const token = claim.type === "claimed" ? claim.token : null;
      this.#record({ type: "claim-global", now, worker }, { token });
      if (token === null) continue;
      const inputs = await store.phaseTwo.selectInputs({ limit: 1024 });
      const end = await store.phaseTwo.finish({ now, token, inputWatermark: 0, inputs, publish: () => "published" });
      const operation = { type: "finish-global", now, token, discards: false, dies: false } as const;
      this.#record(operation, { done: end.type !== "lost" });
    }
    await store.outputs.inSyncTransaction(() => {});
    return this.#finalState(store, now);
  }

  async #end(store: StateStore, id: string, token: string, now: number): Promise<void> {
    const owned = { kind: "memory_stage1", jobKey: id, token } as const;
    if (this.#random.chance(0.2)) {
      const done = await store.stageOne.fail({ now, threadId: id, token, error: "failed" });
      this.#record({ type: "fail", now, ...owned }, { done });
    } else {
      const learned = output({ rawMemory: token });
      const done = await store.stageOne.finish({ now, threadId: id, token, output: learned });
      this.#record({ type: "finish", now, empty: false, ...owned }, { done });
    }
  }

  #record(operation: Operation, result: Outcome): void {
    this.entries.push({ client: CLIENTS, operation, result });
  }

  #lastSequence(): number {
    return this.#db.query<{ seq: number }, []>("SELECT coalesce(max(seq), 0) AS seq FROM audit").get()?.seq ?? 0;
  }

  async #finalState(store: StateStore, now: number): Promise<FinalState> {
    const threads = this.#db
      .query<FinalState["threads"][number], []>(`
        SELECT t.id AS id, t.updated_at AS updatedAt, j.status AS status, j.retry_remaining AS retries,
          j.last_success_watermark AS success
        FROM threads t LEFT JOIN jobs j ON j.kind = 'memory_stage1' AND j.job_key = t.id`)
      .all();
    const outputs = (await store.outputs.list()).map((row) => ({ id: row.threadId, token: row.rawMemory }));
    const phaseTwoDue = await store.phaseTwo.isDue({ now: now + 1_000_000 });
    const meta = await store.meta.read();
    const wrongColumns = await store.threads.countWrongDueColumns();
    const running = (await store.stageOne.status(historyRules(now))).running;
    return { threads, outputs, phaseTwoDue, meta, wrongColumns, running };
  }
}
