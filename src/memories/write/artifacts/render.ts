import { isAbsolute, join, relative, sep } from "node:path";
import { isoTimestamp } from "#lib/clock.ts";
import { rolloutSummaryName } from "#memories/layout.ts";
import type { StageOneOutput } from "#state/rows.ts";

/** The two opening lines of `raw_memories.md`: what tells our file from a foreign one. */
export const RAW_MEMORIES_HEADER =
  "# Raw memories\n\nNewest session first. Rebuilt from the database: edits here are lost, MEMORY.md keeps yours.\n\n";

/** What `raw_memories.md` says when there is nothing to list. */
const NO_RAW_MEMORIES = "No raw memories yet.\n";

/** Keys of a summary file's front matter, in the order they are written. */
export const SUMMARY_KEYS = [
  "thread_id",
  "updated_at",
  "rollout_path",
  "cwd",
  "project",
  "git_branch",
  "provider",
  "model",
  "extractor",
  "rollout_slug",
  "generated_at",
  "usage_count",
  "last_usage",
  "summary_bytes",
] as const;

/** A thread id that can be a file name on every system; rows with another are left out of the files. */
export function isFileSafeId(threadId: string): boolean {
  return /^[0-9A-Za-z][0-9A-Za-z_-]{0,126}$/.test(threadId);
}

/** The rows that appear in files: some text, and an id that can be a file name. Order is kept. */
export function renderableRows(rows: readonly StageOneOutput[]): StageOneOutput[] {
  return rows.filter(
    (row) => isFileSafeId(row.threadId) && (row.rawMemory.trim() !== "" || row.rolloutSummary.trim() !== ""),
  );
}

/** The first bytes of a summary file of ours. */
export function summaryHeader(threadId: string): string {
  return `---\nthread_id: ${JSON.stringify(threadId)}\nupdated_at: `;
}

/** The exact bytes of `rollout_summaries/<thread_id>.md`. `codexHome` is what the rollout path is relative to. */
export function renderSummary(row: StageOneOutput, codexHome: string): Buffer {
  const values: Record<(typeof SUMMARY_KEYS)[number], string | number | null> = {
    thread_id: row.threadId,
    updated_at: rfc3339(row.sourceUpdatedAt),
    rollout_path: storedRolloutPath(row.rolloutPath, codexHome),
    cwd: row.cwd,
    project: row.project,
    git_branch: row.gitBranch,
    provider: row.provider,
    model: row.model,
    extractor: row.extractor,
    rollout_slug: row.rolloutSlug,
    generated_at: rfc3339(row.generatedAt),
    usage_count: row.usageCount,
    last_usage: row.lastUsage === null ? null : rfc3339(row.lastUsage),
    summary_bytes: Buffer.byteLength(row.rolloutSummary),
  };
  const head = SUMMARY_KEYS.map((key) => `${key}: ${JSON.stringify(values[key])}\n`).join("");
  return Buffer.from(`---\n${head}---\n\n${row.rolloutSummary}\n`);
}

/** The exact bytes of `raw_memories.md` for rows in the order they are to stand. */
export function renderRawMemories(rows: readonly StageOneOutput[]): Buffer {
  if (rows.length === 0) return Buffer.from(RAW_MEMORIES_HEADER + NO_RAW_MEMORIES);
  return Buffer.from(RAW_MEMORIES_HEADER + rows.map(renderSection).join(""));
}

function renderSection(row: StageOneOutput): string {
  return [
    `## Thread \`${row.threadId}\``,
    `updated_at: ${rfc3339(row.sourceUpdatedAt)}`,
    `cwd: ${plainOrQuoted(row.cwd)}`,
    `rollout_summary_file: ${rolloutSummaryName(row.threadId)}`,
    `evidence: ${onOneLine(row.evidence)}`,
    `bytes: ${Buffer.byteLength(row.rawMemory)}`,
    "",
    row.rawMemory,
    "",
    "",
  ].join("\n");
}

/** `2026-11-22T23:27:33Z` of unix seconds. */
export function rfc3339(seconds: number): string {
  return isoTimestamp(seconds * 1000).replace(".000Z", "Z");
}

/** Relative to CODEX_HOME with forward slashes where it lies inside, else as it is. */
function storedRolloutPath(path: string, codexHome: string): string {
  const inside = relative(codexHome, path);
  if (inside === "" || inside.startsWith("..") || isAbsolute(inside)) return path;
  return sep === "/" ? inside : inside.split(sep).join("/");
}

/** The other direction: the absolute path of what a summary file says. */
export function absoluteRolloutPath(stored: string, codexHome: string): string {
  return stored === "" || isAbsolute(stored) ? stored : join(codexHome, stored);
}

/** A folder name may hold any byte: one that would break its line, or look quoted, is written as a JSON text. */
function plainOrQuoted(text: string): string {
  return /^[^\s"][^\n\r]*$/.test(text) && text.trimEnd() === text ? text : JSON.stringify(text);
}

function onOneLine(json: string): string {
  if (!/[\n\r]/.test(json) && json.trim() !== "") return json;
  try {
    return JSON.stringify(JSON.parse(json));
  } catch {
    return "null";
  }
}
