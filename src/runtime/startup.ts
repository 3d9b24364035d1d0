import { messageOf } from "#lib/errors.ts";
import { writeWarning } from "#lib/stdio.ts";
import { isAnythingDue } from "#memories/write/start.ts";
import type { StateStore } from "#state/store.ts";
import { log } from "#telemetry/log.ts";
import { claimableProviders, claimRules, modelRunNotice, openMemoryState, unixNow } from "./memories.ts";
import { startKindOf } from "./memory-gate.ts";
import { consolidatorOf } from "./memory-models.ts";
import { hasNotes, type MemoryNotes } from "./memory-notes.ts";
import { runMemories } from "./memory-run.ts";
import type { RuntimeOptions } from "./options.ts";

/** What a process may spend on memories after its answer was printed. */
const AT_END_MS = 150;
/** How long the end of a process waits for another one's transaction. */
const AT_END_BUSY_MS = 20;
/** A process about to end leaves larger rollouts to others. */
const AT_END_MAX_BYTES = 16 << 20;
/** How old the index may be before a process about to end looks at the session folders again. */
const INDEX_AGE_SECONDS = 3600;

/** The pipeline running beside the sessions of a process that stays. */
export interface MemoryBackground {
  /** Gives running jobs back, notes what sessions used and closes the state. Never rejects. */
  stop(): Promise<void>;
}

/** Starts the pipeline in the background; `warn` tells a person. Returns at once, failures are logged. */
export function startInBackground(options: {
  runtime: RuntimeOptions;
  notes: MemoryNotes;
  currentThread: string;
  warn: (message: string) => void;
}): MemoryBackground {
  const abort = new AbortController();
  const { runtime, notes, warn, currentThread } = options;
  const work = async () => {
    const store = await openMemoryState(runtime.codexHome, { report: warn });
    try {
      const notice = await modelRunNotice(store, runtime.settings, runtime.codexHome);
      if (notice !== undefined) warn(notice);
      await runMemories({ store, runtime, currentThread, stays: true, backfill: true, signal: abort.signal });
    } finally {
      await store.close();
    }
  };
  const done = work().catch(logFailure);
  return {
    stop: async () => {
      abort.abort(new Error("the process ends"));
      await Promise.race([done, Bun.sleep(STOP_MS)]);
      if (hasNotes(notes)) await writeNotesNow(runtime.codexHome, notes);
    },
  };
}

/**
 * What a headless process does for memories once its answer is out: at most 150 ms, silently unless the database was
 * damaged, only what the built-in rules do anyway. Leases are given back when the time is up or a signal comes.
 */
export async function learnAtEnd(options: {
  runtime: RuntimeOptions;
  notes: MemoryNotes;
  currentThread: string;
}): Promise<void> {
  const abort = new AbortController();
  const stop = () => abort.abort(new Error("the time for memories is up"));
  const timer = setTimeout(stop, AT_END_MS);
  for (const signal of SIGNALS) process.on(signal, stop);
  try {
    await Promise.race([atEnd(options, abort.signal), Bun.sleep(AT_END_MS + GRACE_MS)]);
  } catch (error) {
    logFailure(error);
  } finally {
    clearTimeout(timer);
    for (const signal of SIGNALS) process.off(signal, stop);
  }
}

/** How long the end of a process waits for jobs to be given back; leases that are not end by themselves. */
const STOP_MS = 2000;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** For giving jobs back after the time is up. */
const GRACE_MS = 50;

async function atEnd(
  options: { runtime: RuntimeOptions; notes: MemoryNotes; currentThread: string },
  signal: AbortSignal,
): Promise<void> {
  const { runtime, notes, currentThread } = options;
  const store = await openMemoryState(runtime.codexHome, { report: tellNotice, busyTimeoutMs: AT_END_BUSY_MS });
  try {
    await writeNotes(store, notes);
    if (startKindOf(runtime) !== "at_end") return;
    const backfill = await isIndexOld(store);
    if (!backfill && !(await isDue(store, runtime, currentThread))) return;
    // Noted before the look: one that takes longer than there is time for must not be tried at every end.
    if (backfill) await store.meta.setNote("backfilled_at", String(unixNow()));
    const maxFileBytes = AT_END_MAX_BYTES;
    await runMemories({ store, runtime, currentThread, stays: false, maxFileBytes, backfill, signal });
  } finally {
    await store.close();
  }
}

async function isDue(store: StateStore, runtime: RuntimeOptions, currentThread: string): Promise<boolean> {
  const now = unixNow();
  const { codexHome, settings } = runtime;
  const { extractor } = settings.memories;
  const spent = extractor === "builtin" ? 0 : await store.ledger.spentOn(now);
  const providers = claimableProviders(settings, { codexHome, spent, stays: false });
  const rules = { ...claimRules(settings, providers, now), currentThread, maxFileBytes: AT_END_MAX_BYTES };
  return isAnythingDue(store, rules, { codexHome, consolidation: consolidatorOf(runtime)?.type === "builtin" });
}

async function isIndexOld(store: StateStore): Promise<boolean> {
  const at = Number((await store.meta.getNote("backfilled_at")) ?? 0);
  return unixNow() - at >= INDEX_AGE_SECONDS;
}

/** Writes down what sessions used, in a process that runs no pipeline. Never rejects. */
export async function writeNotesNow(codexHome: string, notes: MemoryNotes): Promise<void> {
  try {
    const store = await openMemoryState(codexHome, { report: tellNotice });
    try {
      await writeNotes(store, notes);
    } finally {
      await store.close();
    }
  } catch (error) {
    logFailure(error);
  }
}

/** Each use counts; what was seen from outside keeps a thread out of memory at once. */
async function writeNotes(store: StateStore, notes: MemoryNotes): Promise<void> {
  const usage = notes.usage.splice(0);
  const now = unixNow();
  for (let left = usage; left.length > 0; ) {
    const once = [...new Set(left)];
    await store.outputs.raiseUsage({ now, threadIds: once });
    left = once.reduce((rest, id) => rest.toSpliced(rest.indexOf(id), 1), left);
  }
  for (const threadId of notes.polluted) await store.threads.setMemoryMode(threadId, "polluted");
  notes.polluted.clear();
}

/** Memories are never a reason for a session to fail. */
function logFailure(error: unknown): void {
  log("memories", "warn", messageOf(error));
}

/** That a damaged database was put aside is the one thing a person must hear of, whoever finds it. */
function tellNotice(text: string): void {
  log("memories", "warn", text);
  writeWarning(text);
}
