import type { FileChange } from "#protocol/file-change.ts";
import type { FileEdit } from "./change-list.ts";
import type { TextFile } from "./text-file.ts";

/** Unchanged lines around a change, as `diff -u` shows them. */
const CONTEXT = 3;
/** Added and removed lines. The search is quadratic: 0.3 s at this length, then the whole range is shown instead. */
const MAX_EDIT_LENGTH = 1000;

/**
 * The edits of a verified patch as events carry them. `diff` holds the hunks only, without file headers,
 * and is empty where there is no text to show.
 */
export async function fileChanges(edits: readonly FileEdit[]): Promise<FileChange[]> {
  return await Promise.all(
    edits.map(async ({ kind, path, movePath, before, after }) => ({
      path,
      kind,
      ...(movePath === undefined ? {} : { movePath }),
      diff: await unifiedHunks(linesWithEndings(before), linesWithEndings(after)),
    })),
  );
}

/** The hunks of a unified diff between lines, each with its ending; empty where nothing differs. */
export async function unifiedHunks(before: string[], after: string[]): Promise<string> {
  const window = differingWindow(before, after);
  if (window === undefined) return "";
  const { old, new: added } = window;
  const hunks = old.length === 0 || added.length === 0 ? undefined : await searchHunks(window);
  return (hunks ?? [wholeWindow(window)]).map(hunkText).join("");
}

interface Hunk {
  oldStart: number;
  oldLines: number;
  newStart: number;
  newLines: number;
  lines: string[];
}

/** The part of two files that holds every difference, with the context around it. */
interface Window {
  /** Lines before the window, the same in both files. */
  skipped: number;
  old: string[];
  new: string[];
}

function linesWithEndings(file: TextFile | null): string[] {
  return file === null ? [] : file.lines.map((line, index) => line + (file.endings[index] ?? ""));
}

/** Cutting what is equal at both ends first keeps a small edit of a large file cheap. */
function differingWindow(old: string[], added: string[]): Window | undefined {
  const shorter = Math.min(old.length, added.length);
  let head = 0;
  while (head < shorter && old[head] === added[head]) head++;
  if (head === old.length && head === added.length) return undefined;
  let tail = 0;
  while (tail < shorter - head && old.at(-1 - tail) === added.at(-1 - tail)) tail++;
  const skipped = Math.max(0, head - CONTEXT);
  const kept = Math.max(0, tail - CONTEXT);
  return { skipped, old: old.slice(skipped, old.length - kept), new: added.slice(skipped, added.length - kept) };
}

async function searchHunks({ skipped, old, new: added }: Window): Promise<Hunk[] | undefined> {
  const { structuredPatch } = await import("diff");
  const patch = structuredPatch("", "", old.join(""), added.join(""), "", "", {
    context: CONTEXT,
    maxEditLength: MAX_EDIT_LENGTH,
  });
  return patch?.hunks.map((hunk) => ({
    ...hunk,
    oldStart: hunk.oldStart + skipped,
    newStart: hunk.newStart + skipped,
  }));
}

function wholeWindow({ skipped, old, new: added }: Window): Hunk {
  return {
    oldStart: skipped + (old.length === 0 ? 0 : 1),
    oldLines: old.length,
    newStart: skipped + (added.length === 0 ? 0 : 1),
    newLines: added.length,
    lines: [...old.flatMap((line) => diffLine("-", line)), ...added.flatMap((line) => diffLine("+", line))],
  };
}

function diffLine(sign: string, line: string): string[] {
  return line.endsWith("\n") ? [sign + line.slice(0, -1)] : [sign + line, "\\ No newline at end of file"];
}

function hunkText({ oldStart, oldLines, newStart, newLines, lines }: Hunk): string {
  return `@@ -${range(oldStart, oldLines)} +${range(newStart, newLines)} @@\n${lines.join("\n")}\n`;
}

function range(start: number, count: number): string {
  return count === 1 ? `${start}` : `${start},${count}`;
}
