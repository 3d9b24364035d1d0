import { writeStdout } from "#lib/stdio.ts";
import { claimableProviders, claimRules } from "#runtime/memories.ts";
import type { JobFailure, StageOneStatus } from "#state/claims.ts";
import { nextUtcMidnight, utcDayStart } from "#state/lease.ts";
import type { PhaseTwoStatus } from "#state/phase-two.ts";
import type { JobKind, LedgerRow, MemoryMeta } from "#state/rows.ts";
import type { BackfillReport } from "#state/store.ts";
import { type MemoriesContext, type MemoriesOptions, printJson, withMemories } from "./context.ts";
import { counted, jsonTime, number, relativeTime } from "./text.ts";
import { splitWaiting, sumOf, waitingText } from "./waiting.ts";

interface Snapshot {
  backfill: BackfillReport;
  stageOne: StageOneStatus;
  phaseTwo: PhaseTwoStatus;
  meta: MemoryMeta;
  kept: number;
  spent: number;
  ledger: LedgerRow[];
}

/** Where everything stands. Brings the thread index up to date first, changes nothing else. */
export function memoriesStatus(options: MemoriesOptions): Promise<number> {
  return withMemories(options, async (context) => {
    const snapshot = await takeSnapshot(context);
    if (options.json === true) printJson(jsonStatus(snapshot, context));
    else writeStdout(textStatus(snapshot, context));
    return 0;
  });
}

async function takeSnapshot({ store, settings, codexHome, now }: MemoriesContext): Promise<Snapshot> {
  const backfill = await store.threads.backfill();
  const spent = await store.ledger.spentOn(now);
  const providers = claimableProviders(settings, { codexHome, spent, stays: true });
  return {
    backfill,
    stageOne: await store.stageOne.status(claimRules(settings, providers, now)),
    phaseTwo: await store.phaseTwo.status({ now }),
    meta: await store.meta.read(),
    kept: (await store.outputs.list()).length,
    spent,
    ledger: await store.ledger.list({ since: utcDayStart(now) }),
  };
}

function jsonStatus(snapshot: Snapshot, { settings, layout, now }: MemoriesContext) {
  const { stageOne, phaseTwo, meta, spent } = snapshot;
  const { pending, running, stale, done, error } = stageOne;
  const { memories } = settings;
  return {
    path: layout.root,
    generate_memories: memories.generate,
    use_memories: memories.use,
    extractor: memories.extractor,
    sources: memories.sources,
    sessions: snapshot.backfill.files - snapshot.backfill.duplicates.length,
    kept: snapshot.kept,
    jobs: {
      memory_stage1: { pending, running, stale, done, error },
      memory_consolidate_global: globalCounts(phaseTwo),
    },
    waiting: stageOne.waiting,
    consolidation: {
      state: phaseTwo.state,
      due: phaseTwo.dirty,
      last_run: phaseTwo.lastRun,
      finished_at: jsonTime(phaseTwo.finishedAt),
      worker: phaseTwo.worker,
      lease_until: jsonTime(phaseTwo.leaseUntil),
    },
    failures: [
      ...stageOne.failures.map((failure) => jsonFailure("memory_stage1", failure)),
      ...(phaseTwo.failure === null ? [] : [jsonFailure("memory_consolidate_global", phaseTwo.failure)]),
    ],
    artifacts: { generation: meta.artifactsGeneration, synced_generation: meta.syncedGeneration },
    budget: {
      daily_token_budget: memories.dailyTokenBudget,
      spent,
      remaining: Math.max(0, memories.dailyTokenBudget - spent),
      resets_at: jsonTime(nextUtcMidnight(now)),
    },
    ledger: snapshot.ledger.map(jsonLedgerRow),
  };
}

/** The global job in the counts of the others: one of them is 1, or none when there never was one. */
function globalCounts({ state, lastRun }: PhaseTwoStatus) {
  const failed = lastRun === "error" && (state === "backing_off" || state === "exhausted" || state === "idle");
  return {
    pending: Number(state === "pending"),
    running: Number(state === "running"),
    stale: Number(state === "stale"),
    done: Number(state === "idle" && lastRun === "done"),
    error: Number(failed),
  };
}

function jsonFailure(job: JobKind, failure: JobFailure) {
  return {
    job,
    key: failure.jobKey,
    error: failure.error,
    finished_at: jsonTime(failure.finishedAt),
    retry_at: jsonTime(failure.retryAt),
    retry_remaining: failure.retryRemaining,
  };
}

function jsonLedgerRow(row: LedgerRow) {
  return {
    time: jsonTime(row.time),
    job: row.jobKind,
    thread_id: row.threadId,
    purpose: row.purpose,
    provider: row.provider,
    model: row.model,
    state: row.state,
    reserved_tokens: row.reservedTokens,
    input_tokens: row.inputTokens,
    cached_input_tokens: row.cachedInputTokens,
    output_tokens: row.outputTokens,
  };
}

function textStatus(snapshot: Snapshot, context: MemoriesContext): string {
  const { settings, layout } = context;
  const { memories } = settings;
  const switches = [memories.use ? "given to new sessions" : "not given to new sessions (use_memories = false)"];
  if (!memories.generate) switches.push("new sessions are not learnt from (generate_memories = false)");
  const lines: [string, string][] = [
    ["memories", `${layout.root}, ${switches.join("; ")}`],
    ...sessionLines(snapshot, context),
    ["merging", mergeText(snapshot.phaseTwo, context)],
    ["budget", budgetText(snapshot, context)],
  ];
  const failures = snapshot.stageOne.failures
    .slice(0, MAX_FAILURES)
    .map((failure) => failureText(failure, context.now));
  const shown = lines.map(([name, text]) => `${name.padEnd(10)}${text}\n`).join("");
  return failures.length === 0 ? shown : `${shown}\nfailed\n${failures.map((text) => `  ${text}\n`).join("")}`;
}

/** `--json` lists them all. */
const MAX_FAILURES = 10;

function sessionLines({ stageOne, kept, backfill }: Snapshot, { settings }: MemoriesContext): [string, string][] {
  const { waiting, leftOut } = splitWaiting(stageOne.waiting);
  const stale = stageOne.stale === 0 ? "" : `, ${number(stageOne.stale)} abandoned`;
  const jobs = `${number(stageOne.running)} being read${stale}, ${number(stageOne.done)} read, ${number(stageOne.error)} failed`;
  const lines = [
    `${counted(backfill.files - backfill.duplicates.length, "session")}: ${number(stageOne.pending)} to read now, ${jobs}`,
    `something was kept of ${number(kept)}`,
  ];
  if (sumOf(waiting) > 0) lines.push(waitingText("waiting", waiting, settings.memories));
  if (sumOf(leftOut) > 0) lines.push(waitingText("left out", leftOut, settings.memories));
  if (!backfill.complete) lines.push("a session folder could not be read wholly; `codex memories doctor` says more");
  return lines.map((line, index) => [index === 0 ? "sessions" : "", line]);
}

function mergeText(status: PhaseTwoStatus, { now }: MemoriesContext): string {
  const last = status.finishedAt === null ? "" : `, last run ${relativeTime(status.finishedAt, now)}`;
  switch (status.state) {
    case "idle":
      return status.finishedAt === null ? "nothing to merge yet" : `up to date${last}`;
    case "pending":
      return `due: something new was kept${last}`;
    case "running":
      return `running (${status.worker ?? "another process"})`;
    case "stale":
      return "abandoned by its process; the next run takes it over";
    case "backing_off": {
      const retryAt = status.failure?.retryAt ?? null;
      const when = retryAt === null ? "" : `, next try ${relativeTime(retryAt, now)}`;
      return `failed${when}: ${status.failure?.error ?? "unknown"}`;
    }
    case "exhausted":
      return `failed, no retry until something new is learnt: ${status.failure?.error ?? "unknown"}`;
  }
}

function budgetText({ spent, ledger }: Snapshot, { settings, now }: MemoriesContext): string {
  const { dailyTokenBudget, extractor } = settings.memories;
  if (extractor === "builtin") return "no model is called (memories.extractor is builtin)";
  if (dailyTokenBudget === 0) return "no model is called (memories.daily_token_budget is 0)";
  const resets = relativeTime(nextUtcMidnight(now), now);
  return `${number(spent)} of ${number(dailyTokenBudget)} tokens today in ${counted(ledger.length, "call")}, renewed ${resets}`;
}

function failureText(failure: JobFailure, now: number): string {
  const next =
    failure.retryAt === null ? "no retry until it has new content" : `retry ${relativeTime(failure.retryAt, now)}`;
  return `${failure.jobKey}  ${next}: ${failure.error}`;
}
