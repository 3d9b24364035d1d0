import { readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "#lib/errors.ts";
import { checkMemoryRoot, type MemoryLayout, memoryLayout } from "#memories/layout.ts";
import { fromByteText } from "#memories/memory-grammar.ts";
import type { StateStore } from "#state/store.ts";
import { isFolder, readRegular } from "./artifacts/folder.ts";
import { isOurRawMemories, isOurSummary } from "./artifacts/parse.ts";
import { adoptMemory, isEmptyMemory, withoutItems } from "./phase-two/merge.ts";
import { countingSets, originOf, parsePublished } from "./phase-two/published.ts";

/** What a reset would take away, for the question before it. */
export interface ResetPreview {
  outputs: number;
  /** What the user wrote in `MEMORY.md`, "" when all of it is generated. */
  usersText: string;
  /** Files below `skills/`. */
  skillFiles: number;
}

/** What a reset took away. */
export interface ResetReport {
  outputs: number;
  jobs: number;
  /** Paths relative to the memory root. */
  removed: string[];
}

/** Looks at what a reset would remove. Throws `CodexError` when the root is a link. */
export async function previewReset(store: StateStore, codexHome: string): Promise<ResetPreview> {
  const layout = memoryLayout(codexHome);
  const outputs = (await store.outputs.list()).length;
  if (checkMemoryRoot(layout) === "missing") return { outputs, usersText: "", skillFiles: 0 };
  const { publishedToken } = await store.meta.read();
  return { outputs, usersText: usersText(layout, publishedToken), skillFiles: filesBelow(layout.skills).length };
}

/**
 * Forgets everything that was learnt: rows and jobs, the artifact files, `MEMORY.md`, `skills/` and their record. The
 * token ledger, what the migration noted, folders of other layouts and every file that is not ours stay.
 */
export async function resetMemories(store: StateStore, codexHome: string): Promise<ResetReport> {
  const layout = memoryLayout(codexHome);
  checkMemoryRoot(layout);
  const removed: string[] = [];
  const { outputs, jobs } = await store.outputs.reset(() => removed.push(...removeFiles(layout)));
  return { outputs, jobs, removed };
}

function usersText(layout: MemoryLayout, publishedToken: string): string {
  const bytes = readRegular(layout.memory);
  if (typeof bytes === "string") return "";
  const record = readRegular(layout.published);
  const published = parsePublished(typeof record === "string" ? null : record.toString("utf8"));
  const sets = countingSets(published, publishedToken);
  const text = withoutItems(
    adoptMemory(bytes.toString("latin1")),
    (item) => originOf(item, published, sets) !== "user",
  );
  return isEmptyMemory(text) ? "" : fromByteText(text).trim();
}

function removeFiles(layout: MemoryLayout): string[] {
  if (checkMemoryRoot(layout) === "missing") return [];
  const names = [...ourArtifacts(layout), "MEMORY.md", ".published.json", "skills", ".staging"];
  const removed = names.filter((name) => remove(join(layout.root, name)));
  removeIfEmpty(layout.rolloutSummaries);
  return removed;
}

function ourArtifacts(layout: MemoryLayout): string[] {
  const raw = readRegular(layout.rawMemories);
  const summaries = isFolder(layout.rolloutSummaries) ? readdirSync(layout.rolloutSummaries) : [];
  const ours = summaries.filter((name) => {
    const bytes = readRegular(join(layout.rolloutSummaries, name));
    return typeof bytes !== "string" && isOurSummary(bytes, name.replace(/\.md$/, ""));
  });
  const rawName = typeof raw !== "string" && isOurRawMemories(raw) ? ["raw_memories.md"] : [];
  return [...ours.map((name) => `rollout_summaries/${name}`), ...rawName];
}

/** Removes a file or a folder, or a link itself; whether something was there. */
function remove(path: string): boolean {
  try {
    rmSync(path, { recursive: true });
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Missing, or something that is not ours stands in it.
  }
}

function filesBelow(folder: string): string[] {
  if (!isFolder(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [entry.name] : [],
  );
}
