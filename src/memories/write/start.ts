import { nowMs } from "#lib/clock.ts";
import type { ClaimRules } from "#state/claims.ts";
import type { UnixSeconds } from "#state/rows.ts";
import type { StateStore } from "#state/store.ts";
import { syncArtifacts } from "./artifacts/sync.ts";
import { migrateLegacyMemory } from "./migrate.ts";
import { type JobEnd, type ModelAccess, type PhaseOneReport, runPhaseOne } from "./phase-one/run.ts";
import type { ExtractorChoice } from "./phase-one/who-may-extract.ts";
import { isMemoryGone } from "./phase-two/gone-memory.ts";
import { type Consolidator, type PhaseTwoOutcome, runPhaseTwo } from "./phase-two/run.ts";
import { pruneMemories } from "./prune.ts";

export interface PipelineOptions {
  store: StateStore;
  codexHome: string;
  /** Names this process in the jobs' rows. */
  worker: string;
  /** As for phase one: time and providers are filled in there. */
  rules: Omit<ClaimRules, "now" | "providers">;
  extractor: ExtractorChoice;
  models: ModelAccess;
  mayCallModels: boolean;
  dailyTokenBudget: number;
  /** Claims in all. */
  maxClaims: number;
  /** Undefined: this run leaves the consolidation to others. */
  consolidator: Consolidator | undefined;
  maxInputs: number;
  /** False where the index was brought up to date a moment ago. */
  backfill: boolean;
  report?: (progress: PipelineProgress) => void;
  now?: () => UnixSeconds;
  signal: AbortSignal;
}

/** What a run is doing, for people who wait. */
export type PipelineProgress =
  | { type: "indexing" }
  | { type: "extracting" }
  | { type: "job"; end: JobEnd }
  | { type: "consolidating" };

export interface PipelineReport {
  phaseOne: PhaseOneReport;
  /** Undefined when this run was not to consolidate. */
  phaseTwo: PhaseTwoOutcome | undefined;
  artifacts: { written: number; removed: number };
}

/**
 * One run: the migration, once; the thread index; pruning; phase one; phase two. Each step leaves a state another
 * process can go on from. Aborting gives running jobs back. Throws `CodexError` for a database or a root that cannot
 * be used.
 */
export async function runPipeline(options: PipelineOptions): Promise<PipelineReport> {
  const { store, codexHome, signal, report } = options;
  const artifacts = { written: 0, removed: 0 };
  const sync = async () => {
    const { written, removed } = await syncArtifacts(store, { codexHome });
    artifacts.written += written;
    artifacts.removed += removed;
  };
  await migrateLegacyMemory(store, { codexHome });
  if (options.backfill) {
    report?.({ type: "indexing" });
    await pruneMemories(store, await store.threads.backfill({ signal }));
    await store.meta.setNote("backfilled_at", String(options.now?.() ?? Math.floor(nowMs() / 1000)));
  }
  await sync();
  report?.({ type: "extracting" });
  const phaseOne = await runPhaseOne({
    ...options,
    limit: options.maxClaims,
    sync,
    report: (end) => report?.({ type: "job", end }),
  });
  await sync();
  if (options.consolidator === undefined || signal.aborted) return { phaseOne, phaseTwo: undefined, artifacts };
  report?.({ type: "consolidating" });
  const { consolidator } = options;
  const phaseTwo = await runPhaseTwo({ ...options, consolidator });
  // Which rows were merged is shown in no file today, but the generation says that it may be.
  await sync();
  return { phaseOne, phaseTwo, artifacts };
}

/** Whether `runPipeline` would find something to do in the index as it is; `consolidation`: whether it would merge. */
export async function isAnythingDue(
  store: StateStore,
  rules: ClaimRules,
  options: { codexHome: string; consolidation: boolean },
): Promise<boolean> {
  if (await store.stageOne.anythingDue(rules)) return true;
  if (options.consolidation && (await store.phaseTwo.isDue({ now: rules.now }))) return true;
  if (options.consolidation && (await isMemoryGone(store, options.codexHome))) return true;
  const { artifactsGeneration, syncedGeneration, legacyMigration } = await store.meta.read();
  return artifactsGeneration !== syncedGeneration || legacyMigration === "started";
}
