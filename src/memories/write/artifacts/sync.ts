import { type Dirent, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ensureMemoryRoot, memoryLayout, rolloutSummaryName } from "#memories/layout.ts";
import type { StageOneOutput } from "#state/rows.ts";
import type { StateStore } from "#state/store.ts";
import {
  ensureFolder,
  isTemporary,
  moveIntoPlace,
  readRegular,
  type StepHook,
  stepCounter,
  writeTemporary,
} from "./folder.ts";
import { isOurRawMemories, isOurSummary } from "./parse.ts";
import { renderableRows, renderRawMemories, renderSummary } from "./render.ts";

/** What a sync did. Paths are relative to the memory root. */
export interface SyncReport {
  /** Files written, because they were missing or their bytes differed. */
  written: number;
  /** Files of ours removed, because their row is gone. */
  removed: number;
  /** Files in the way that are not ours; they were left as they are. */
  foreign: string[];
}

export interface SyncOptions {
  codexHome: string;
  /** Compare every file even when the generation says that nothing changed. */
  compareAll?: boolean;
  onStep?: StepHook;
}

const NOTHING: SyncReport = { written: 0, removed: 0, foreign: [] };
/** Files of the root whose temporaries a writer that died may have left. */
const PUBLISHED_NAMES = ["raw_memories.md", "MEMORY.md", ".published.json"];

/**
 * Brings the artifact files to what the database says, in one write transaction, so that two syncs never interleave.
 * Only files whose bytes differ are written. Safe to stop at any moment: each file is whole, and the next sync goes on
 * from what it finds. Throws when the root is no folder or a write fails; the sync then counts as not done.
 */
export async function syncArtifacts(store: StateStore, options: SyncOptions): Promise<SyncReport> {
  if (!options.compareAll) {
    const { artifactsGeneration, syncedGeneration } = await store.meta.read();
    if (artifactsGeneration === syncedGeneration) return NOTHING;
  }
  return store.outputs.inSyncTransaction((view) => {
    const current = view.artifactsGeneration === view.syncedGeneration;
    return current && !options.compareAll ? NOTHING : writeArtifacts(view.outputs, options);
  });
}

/** The files of these rows, newest first, made so. Must run where no other writer of them can. */
export function writeArtifacts(outputs: readonly StageOneOutput[], options: SyncOptions): SyncReport {
  const layout = memoryLayout(options.codexHome);
  const folder = layout.rolloutSummaries;
  ensureMemoryRoot(layout);
  ensureFolder(folder);
  const work: Work = { step: stepCounter(options.onStep), report: { written: 0, removed: 0, foreign: [] } };
  const rows = renderableRows(outputs);
  removeOrphans(work, layout.root, readdirSync(layout.root, { withFileTypes: true }), PUBLISHED_NAMES);
  const entries = readdirSync(folder, { withFileTypes: true });
  removeOrphans(work, folder, entries, undefined);
  for (const row of rows) {
    const bytes = renderSummary(row, options.codexHome);
    const isOurs = (found: Buffer) => isOurSummary(found, row.threadId);
    replace(work, { path: layout.root, name: rolloutSummaryName(row.threadId) }, bytes, isOurs);
  }
  replace(work, { path: layout.root, name: "raw_memories.md" }, renderRawMemories(rows), isOurRawMemories);
  removeDropped(work, folder, entries, new Set(rows.map((row) => row.threadId)));
  work.step("commit");
  return work.report;
}

interface Work {
  step: (next: string) => void;
  report: SyncReport;
}

/** Syncs never overlap, so a temporary file found here (`of` one of these names) was left by a process that died. */
function removeOrphans(
  work: Work,
  folder: string,
  entries: readonly Dirent[],
  of: readonly string[] | undefined,
): void {
  for (const entry of entries) {
    if (!entry.isFile() || !isTemporary(entry.name)) continue;
    if (of !== undefined && !of.some((name) => entry.name.startsWith(`.${name}.`))) continue;
    work.step(`remove orphan ${entry.name}`);
    rmSync(join(folder, entry.name), { force: true });
  }
}

/** An empty file is taken as ours: a power cut leaves such a thing, and it holds nothing of anybody. */
function replace(
  work: Work,
  target: { path: string; name: string },
  bytes: Buffer,
  isOurs: (found: Buffer) => boolean,
): void {
  const { name } = target;
  const path = join(target.path, name);
  const found = readRegular(path);
  if (found === "other" || (found !== "absent" && found.length > 0 && !isOurs(found))) {
    work.report.foreign.push(name);
    return;
  }
  if (found !== "absent" && found.equals(bytes)) return;
  work.step(`write temporary for ${name}`);
  const temporary = writeTemporary(path, bytes, { durable: false });
  work.step(`rename ${name}`);
  moveIntoPlace(temporary, path);
  work.report.written++;
}

function removeDropped(work: Work, folder: string, entries: readonly Dirent[], kept: ReadonlySet<string>): void {
  for (const entry of entries) {
    const threadId = entry.name.endsWith(".md") ? entry.name.slice(0, -3) : "";
    if (!entry.isFile() || threadId === "" || kept.has(threadId)) continue;
    const path = join(folder, entry.name);
    const found = readRegular(path);
    if (typeof found === "string" || !isOurSummary(found, threadId)) continue;
    work.step(`remove ${entry.name}`);
    rmSync(path, { force: true });
    work.report.removed++;
  }
}
