import type { StateStore } from "../store.ts";
import { backfillThreads } from "./backfill-threads.ts";
import { claimPhaseTwo, isPhaseTwoDue } from "./claim-phase-two.ts";
import { anythingDue, claimStageOne } from "./claim-stage-one.ts";
import type { Connection } from "./connection.ts";
import { failStageOne, finishStageOne } from "./finish-job.ts";
import { failPhaseTwo, finishPhaseTwo } from "./finish-phase-two.ts";
import { heartbeat } from "./heartbeat.ts";
import { finishLegacyMigration, startLegacyMigration } from "./legacy-migration.ts";
import { getNote, raiseGenerations, readMeta, setNote } from "./memory-meta.ts";
import { selectPhaseTwoInputs } from "./phase-two-inputs.ts";
import { phaseTwoStatus } from "./phase-two-status.ts";
import { pruneOutputs } from "./prune-outputs.ts";
import { releaseJob } from "./release-job.ts";
import { resetMemory } from "./reset-memory.ts";
import { getOutput, listOutputs, raiseUsage } from "./stage-one-outputs.ts";
import { explainThread, stageOneStatus } from "./stage-one-status.ts";
import { syncArtifacts } from "./sync-transaction.ts";
import { countWrongDueColumns, getThread, listThreads, setMemoryMode } from "./thread-row.ts";
import { listLedger, loseTokens, reserveTokens, settleTokens, spentOn } from "./token-ledger.ts";

/** Removed outputs of one start; a larger backlog waits for the next. */
const PRUNE_LIMIT = 200;

/** The store over an open SQLite database. `codexHome` is where the rollouts are. */
export function sqliteStore(connection: Connection, codexHome: string): StateStore {
  return {
    threads: threadIndex(connection, codexHome),
    stageOne: stageOneJobs(connection),
    outputs: stageOneOutputs(connection),
    phaseTwo: phaseTwoJob(connection),
    ledger: tokenLedger(connection),
    meta: metaStore(connection),
    close: async () => connection.close(),
  };
}

function threadIndex(connection: Connection, codexHome: string): StateStore["threads"] {
  return {
    backfill: (options = {}) => backfillThreads(connection, codexHome, options),
    get: async (id) => connection.query((db) => getThread(db, id)),
    list: async ({ limit = Number.MAX_SAFE_INTEGER } = {}) => connection.query((db) => listThreads(db, limit)),
    setMemoryMode: async (id, mode) => connection.write((db) => setMemoryMode(db, id, mode)),
    countWrongDueColumns: async () => connection.query(countWrongDueColumns),
  };
}

function stageOneJobs(connection: Connection): StateStore["stageOne"] {
  return {
    anythingDue: async (rules) => connection.query((db) => anythingDue(db, rules)),
    claim: async (options) => {
      if (!connection.query((db) => anythingDue(db, options))) return [];
      return connection.write((db) => claimStageOne(db, options));
    },
    finish: async (options) => connection.write((db) => finishStageOne(db, options)),
    fail: async (options) => connection.write((db) => failStageOne(db, options)),
    release: async (options) => connection.write((db) => releaseJob(db, options)),
    heartbeat: async (options) => connection.write((db) => heartbeat(db, options)),
    explain: async (threadId, rules) => connection.query((db) => explainThread(db, threadId, rules)),
    status: async (rules) => connection.read((db) => stageOneStatus(db, rules)),
  };
}

function stageOneOutputs(connection: Connection): StateStore["outputs"] {
  return {
    list: async () => connection.query(listOutputs),
    get: async (threadId) => connection.query((db) => getOutput(db, threadId)),
    raiseUsage: async ({ now, threadIds }) => connection.write((db) => raiseUsage(db, now, threadIds)),
    prune: async ({ missing, limit = PRUNE_LIMIT }) =>
      connection.write((db) => pruneOutputs(db, { missing, limit: Math.min(limit, PRUNE_LIMIT) })),
    reset: async (removeFiles = () => {}) => connection.write((db) => resetMemory(db, removeFiles)),
    inSyncTransaction: async (write) => connection.write((db) => syncArtifacts(db, write)),
  };
}

function phaseTwoJob(connection: Connection): StateStore["phaseTwo"] {
  return {
    isDue: async ({ now }) => connection.read((db) => isPhaseTwoDue(db, now)),
    claim: async (options) => {
      // Looking waits for nobody: a claim that would write nothing takes no lock.
      const refused = connection.read((db) =>
        isPhaseTwoDue(db, options.now) ? undefined : claimPhaseTwo(db, options),
      );
      return refused ?? connection.write((db) => claimPhaseTwo(db, options));
    },
    selectInputs: async (options) => connection.read((db) => selectPhaseTwoInputs(db, options)),
    finish: async (options) => connection.write((db) => finishPhaseTwo(db, options)),
    fail: async (options) => connection.write((db) => failPhaseTwo(db, options)),
    enqueue: async () => connection.write((db) => raiseGenerations(db, ["input_generation"])),
    status: async ({ now }) => connection.read((db) => phaseTwoStatus(db, now)),
  };
}

function tokenLedger(connection: Connection): StateStore["ledger"] {
  return {
    reserve: async (options) => connection.write((db) => reserveTokens(db, options)),
    settle: async (id, usage) => connection.write((db) => settleTokens(db, id, usage)),
    lose: async (id) => connection.write((db) => loseTokens(db, id)),
    spentOn: async (now) => connection.query((db) => spentOn(db, now)),
    list: async ({ since, limit = Number.MAX_SAFE_INTEGER }) => connection.query((db) => listLedger(db, since, limit)),
  };
}

function metaStore(connection: Connection): StateStore["meta"] {
  return {
    read: async () => connection.query(readMeta),
    startLegacyMigration: async () => connection.write(startLegacyMigration),
    finishLegacyMigration: async (renames) => connection.write((db) => finishLegacyMigration(db, renames)),
    getNote: async (key) => connection.query((db) => getNote(db, key)),
    setNote: async (key, value, { onlyIfAbsent = false } = {}) =>
      connection.write((db) => setNote(db, key, value, onlyIfAbsent)),
  };
}
