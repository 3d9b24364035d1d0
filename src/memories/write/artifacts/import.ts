import { readdirSync } from "node:fs";
import { join } from "node:path";
import { parseTimestamp } from "#lib/clock.ts";
import { checkMemoryRoot, type MemoryLayout, memoryLayout } from "#memories/layout.ts";
import type { ArtifactImporter, ImportedArtifacts } from "#state/artifact-importer.ts";
import type { Extractor, StageOneOutput, UnixSeconds } from "#state/rows.ts";
import { isFolder, readRegular } from "./folder.ts";
import { isOurRawMemories, parseRawMemories, parseSummary, type RawSection, type SummaryFile } from "./parse.ts";
import { absoluteRolloutPath, isFileSafeId, rfc3339 } from "./render.ts";

/** What the state database is handed to fill itself from the files of a root when it was lost. */
export function artifactImporter(codexHome: string): ArtifactImporter {
  return { present: () => hasArtifacts(memoryLayout(codexHome)), read: () => importArtifacts(codexHome) };
}

/** Whether files of ours are there. Throws when the root is a link: an empty database would later empty the folder. */
function hasArtifacts(layout: MemoryLayout): boolean {
  if (checkMemoryRoot(layout) === "missing") return false;
  const raw = readRegular(layout.rawMemories);
  return (Buffer.isBuffer(raw) && isOurRawMemories(raw)) || readSummaries(layout.rolloutSummaries).size > 0;
}

/**
 * The rows that the artifact files were rendered from, for a database that was lost. Rendering them again gives the
 * same bytes. What only one of the two files has is taken from there; of two times the older one counts, so that a
 * thread is rather read again than missed. Files that are not ours are ignored, links are not followed. Throws when
 * the root is a link or no folder.
 */
export function importArtifacts(codexHome: string): ImportedArtifacts {
  const layout = memoryLayout(codexHome);
  if (checkMemoryRoot(layout) === "missing") return { outputs: [], consolidated: false };
  const summaries = readSummaries(layout.rolloutSummaries);
  const sections = readSections(layout.rawMemories, new Set(summaries.keys()));
  const consolidated = Buffer.isBuffer(readRegular(layout.memory));
  const ids = [...new Set([...summaries.keys(), ...sections.keys()])].toSorted();
  const outputs = ids.map((threadId) => rowOf(threadId, summaries.get(threadId), sections.get(threadId), codexHome));
  return { outputs, consolidated };
}

function readSummaries(folder: string): Map<string, SummaryFile> {
  const found = new Map<string, SummaryFile>();
  if (!isFolder(folder)) return found;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const threadId = entry.name.replace(/\.md$/, "");
    if (!entry.isFile() || threadId === entry.name || !isFileSafeId(threadId)) continue;
    const bytes = readRegular(join(folder, entry.name));
    const summary = typeof bytes === "string" ? undefined : parseSummary(bytes, threadId);
    if (summary !== undefined) found.set(threadId, summary);
  }
  return found;
}

/** The first section of a thread wins; a second one can only be a hand edit. */
function readSections(path: string, knownIds: ReadonlySet<string>): Map<string, RawSection> {
  const bytes = readRegular(path);
  const sections = typeof bytes === "string" ? [] : (parseRawMemories(bytes, knownIds) ?? []);
  const found = new Map<string, RawSection>();
  for (const section of sections)
    if (isFileSafeId(section.threadId) && !found.has(section.threadId)) found.set(section.threadId, section);
  return found;
}

function rowOf(
  threadId: string,
  summary: SummaryFile | undefined,
  section: RawSection | undefined,
  codexHome: string,
): StageOneOutput {
  const values = summary?.values ?? {};
  const times = [summary?.updatedAt, section?.updatedAt].filter((time) => typeof time === "number");
  const generatedAt = time(values.generated_at);
  const sourceUpdatedAt = times.length > 0 ? Math.min(...times) : (generatedAt ?? 0);
  const cwd = text(values.cwd) ?? section?.cwd ?? "";
  return {
    threadId,
    sourceUpdatedAt,
    rawMemory: section?.rawMemory ?? "",
    rolloutSummary: summary?.summary ?? "",
    rolloutSlug: text(values.rollout_slug),
    rolloutPath: absoluteRolloutPath(text(values.rollout_path) ?? "", codexHome),
    cwd,
    project: text(values.project) ?? cwd,
    gitBranch: text(values.git_branch),
    provider: text(values.provider) ?? "",
    model: text(values.model),
    extractor: extractor(values.extractor),
    evidence: section?.evidence ?? "null",
    generatedAt: generatedAt ?? sourceUpdatedAt,
    usageCount: count(values.usage_count),
    lastUsage: time(values.last_usage),
    selectedSourceUpdatedAt: null,
  };
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

/** Only times that would be written the same way again. */
function time(value: unknown): UnixSeconds | null {
  const ms = typeof value === "string" ? parseTimestamp(value) : undefined;
  if (ms === undefined) return null;
  const seconds = Math.floor(ms / 1000);
  return rfc3339(seconds) === value ? seconds : null;
}

function extractor(value: unknown): Extractor {
  const named = text(value) ?? "";
  return named.startsWith("model:") ? `model:${named.slice("model:".length)}` : "builtin";
}
