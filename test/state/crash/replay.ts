import type { AuditRow } from "./audit.ts";
import { type Entry, STAGE_ONE } from "./operations.ts";

const LEASE = 3600;

/** Goes through the diary of the database and says which change broke a rule. */
export class Replay {
  readonly problems: string[] = [];
  /** Token to the worker that claimed with it. */
  readonly claims = new Map<string, string>();
  /** Token to the state its owner left the job in. */
  readonly ended = new Map<string, string>();
  /** Job to the token of its last success. */
  readonly lastSuccess = new Map<string, string>();
  heartbeats = 0;
  readonly #cap: number;
  readonly #jobs = new Map<string, AuditRow>();
  readonly #counters = new Map<string, number>();
  /** Claims that had room left, by the last diary entry they saw. */
  readonly #emptied = new Map<number, number[]>();

  constructor(entries: readonly Entry[], audit: readonly AuditRow[], cap: number) {
    this.#cap = cap;
    const bySequence = new Map(audit.map((row) => [row.seq, row]));
    for (const { operation, result } of entries) {
      if (operation.type !== "claim" || result === "lost" || !("claims" in result)) continue;
      if (result.claims.length >= operation.limit) continue;
      // Only where nothing of others came between is the last entry the state that the claim left behind.
      const own = (row: AuditRow | undefined) =>
        row !== undefined && (row.worker === operation.worker || (row.status === "error" && row.token === null));
      let quiet = true;
      for (let seq = result.before + 1; seq <= result.after; seq++) quiet &&= own(bySequence.get(seq));
      if (quiet) this.#emptied.set(result.after, [...(this.#emptied.get(result.after) ?? []), operation.now]);
    }
  }

  apply(row: AuditRow): void {
    if (row.what === "meta") this.#applyCounter(row);
    if (row.what === "job") this.#applyJob(row);
    for (const now of this.#emptied.get(row.seq) ?? []) this.#checkNothingStale(row, now);
  }

  #applyCounter({ seq, key, input }: AuditRow): void {
    const value = input ?? 0;
    if (value < (this.#counters.get(key) ?? 0)) this.problems.push(`#${seq} ${key} went back to ${value}`);
    this.#counters.set(key, value);
  }

  #applyJob(row: AuditRow): void {
    const name = `${row.kind} ${row.key}`;
    const before = this.#jobs.get(name);
    this.#jobs.set(name, row);
    if ((before?.success ?? -1) > (row.success ?? -1)) this.#broken(row, "the success watermark went back");
    if (row.retries < 0 || row.retries > 3) this.#broken(row, `${row.retries} retries`);
    if (row.status === "running" && row.token !== before?.token) this.#claim(row, before);
    else if (before?.status === "running" && row.status === "running") this.#stay(row, before);
    else if (before?.status === "running") this.#end(row, before, name);
    else if (before !== undefined && row.status !== "pending")
      this.#broken(row, `${before.status} became ${row.status}`);
  }

  #claim(row: AuditRow, before: AuditRow | undefined): void {
    const now = row.startedAt ?? 0;
    if (row.token !== null) this.claims.set(row.token, row.worker ?? "");
    if (before !== undefined && isFresh(before, now)) this.#broken(row, "a fresh owner was disturbed");
    if (row.leaseUntil !== now + LEASE) this.#broken(row, "the lease is not an hour");
    const newContent = row.kind === STAGE_ONE && (row.input ?? -1) > (before?.input ?? -1);
    const expected = newContent || before === undefined ? 3 : before.retries - (before.status === "running" ? 1 : 0);
    if (row.retries !== expected) this.#broken(row, `${row.retries} retries instead of ${expected}`);
    // What the cap counts is counted by the clock of whoever adds to it.
    if (row.kind !== STAGE_ONE) return;
    const fresh = [...this.#jobs.values()].filter((job) => job.kind === STAGE_ONE && isFresh(job, now)).length;
    if (fresh > this.#cap) this.#broken(row, `${fresh} fresh jobs, ${this.#cap} are allowed`);
  }

  /** The owner stays: a heartbeat, or new input for the consolidation. */
  #stay(row: AuditRow, before: AuditRow): void {
    const enqueued = row.kind !== STAGE_ONE && (row.input ?? 0) > (before.input ?? 0);
    if (enqueued && row.leaseUntil === before.leaseUntil) return;
    this.heartbeats++;
    const now = (row.leaseUntil ?? 0) - LEASE;
    if (!isFresh(before, now)) this.#broken(row, "a lease that had ended was renewed");
  }

  #end(row: AuditRow, before: AuditRow, name: string): void {
    const token = before.token ?? "";
    const abandoned = row.status === "error" && row.token === null;
    if (abandoned) {
      if (before.retries > 0 || isFresh(before, row.finishedAt ?? 0)) this.#broken(row, "abandoned too early");
      return;
    }
    this.ended.set(token, row.status);
    if (row.status === "done") this.lastSuccess.set(name, token);
    const needsLease = row.kind !== STAGE_ONE && row.finishedAt !== null && row.status !== "pending";
    if (needsLease && !isFresh(before, row.finishedAt ?? 0)) this.#broken(row, "ended after its lease");
  }

  #checkNothingStale(row: AuditRow, now: number): void {
    const jobs = [...this.#jobs.values()].filter((job) => job.kind === STAGE_ONE);
    if (jobs.filter((job) => isFresh(job, now)).length >= this.#cap) return;
    const stale = jobs.filter((job) => job.status === "running" && !isFresh(job, now));
    if (stale.length > 0) this.#broken(row, `a claim at ${now} left ${stale.map((job) => job.key).join(", ")} stale`);
  }

  #broken(row: AuditRow, what: string): void {
    this.problems.push(`#${row.seq} ${row.kind} ${row.key} (${row.status}, ${row.token}): ${what}`);
  }
}

function isFresh(job: AuditRow, now: number): boolean {
  return job.status === "running" && (job.leaseUntil ?? 0) > now;
}
