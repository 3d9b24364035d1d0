import { chmodSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { consolidationStaging, type MemoryLayout, rolloutSummaryName } from "#memories/layout.ts";
import type { MemoryItem } from "#memories/memory-grammar.ts";
import type { StageOneOutput } from "#state/rows.ts";
import { ensureFolder, isFolder } from "../artifacts/folder.ts";
import { renderableRows, renderRawMemories, renderSummary } from "../artifacts/render.ts";
import { type ModelConsolidator, mayShow } from "./consolidation-agent.ts";
import { mergeEntries } from "./merge.ts";
import { origin, type RootMemory, threadsOf } from "./root-memory.ts";
import { fileIn } from "./tree.ts";

/** The folders of one consolidation: where a model works, and what is about to be published. */
export interface StagingFolders {
  work: string;
  publish: string;
}

/** Makes the folders of a new owner and removes what earlier owners left. */
export function openStaging(layout: MemoryLayout, token: string): StagingFolders {
  ensureFolder(layout.staging);
  for (const name of readdirSync(layout.staging))
    if (name.startsWith("consolidate-")) rmSync(join(layout.staging, name), { recursive: true, force: true });
  const work = consolidationStaging(layout, token);
  mkdirSync(work, { mode: 0o700 });
  return { work, publish: `${work}-publish` };
}

/** Removes an owner's folders, and the staging folder when nobody else has something in it. */
export function closeStaging(layout: MemoryLayout, token: string): void {
  if (!isFolder(layout.staging)) return;
  const work = consolidationStaging(layout, token);
  for (const folder of [work, `${work}-publish`]) rmSync(folder, { recursive: true, force: true });
  try {
    rmdirSync(layout.staging);
  } catch {
    // Somebody else works in it.
  }
}

/**
 * Fills the folder with what the model may see: the memories and summaries of threads it may be shown, a `MEMORY.md`
 * of the user's text and the entries that rest on such threads only, the user's skills and those it may know.
 */
export function stageForModel(input: {
  memory: RootMemory;
  rows: readonly StageOneOutput[];
  model: ModelConsolidator;
  folder: string;
  codexHome: string;
}): void {
  const { memory, folder } = input;
  const rows = renderableRows(input.rows).toSorted(newestFirst);
  mkdirSync(join(folder, "rollout_summaries"), { mode: 0o700 });
  writeFileSync(join(folder, "raw_memories.md"), renderRawMemories(rows));
  for (const row of rows)
    writeFileSync(join(folder, rolloutSummaryName(row.threadId)), renderSummary(row, input.codexHome));
  if (memory.text !== null)
    writeFileSync(join(folder, "MEMORY.md"), Buffer.from(shownMemory(memory, input.model), "latin1"));
  for (const path of shownSkills(memory, input.model)) {
    const file = fileIn(memory.tree, path);
    if (file === undefined) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, path), file.bytes);
    if (file.executable) chmodSync(join(folder, path), 0o700);
  }
}

/** Whether a generated item of the root may be shown to a model: all its threads are there and may be. */
function isShown(memory: RootMemory, item: MemoryItem, model: ModelConsolidator): boolean {
  return threadsOf(item, origin(memory, item)).every((id) => {
    const row = memory.rows.get(id);
    return row !== undefined && mayShow(model, row.provider);
  });
}

function shownMemory(memory: RootMemory, model: ModelConsolidator): string {
  const isHidden = (item: MemoryItem) => origin(memory, item) !== "user" && !isShown(memory, item, model);
  return mergeEntries(memory.document, isHidden, []);
}

function shownSkills(memory: RootMemory, model: ModelConsolidator): string[] {
  const hidden = new Set(
    memory.skills
      .filter((skill) => !skill.providers.every((provider) => mayShow(model, provider)))
      .map(({ path }) => path),
  );
  return [...memory.tree.keys()].filter((path) => path.startsWith("skills/") && !hidden.has(path));
}

function newestFirst(a: StageOneOutput, b: StageOneOutput): number {
  if (a.sourceUpdatedAt !== b.sourceUpdatedAt) return b.sourceUpdatedAt - a.sourceUpdatedAt;
  return a.threadId < b.threadId ? 1 : -1;
}
