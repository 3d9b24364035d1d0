import type { Chunk, ChunkLine } from "./patch.ts";
import { LineSeeker } from "./seek.ts";
import { dominantEnding, type LineEnding, type TextFile } from "./text-file.ts";

/** Why the chunks do not fit the file. */
export type Mismatch = { type: "heading_not_found"; heading: string } | { type: "lines_not_found"; lines: string[] };

/**
 * The file with all chunks applied. Each chunk is searched for below the one before it; a chunk that only
 * adds goes to the end of the file. Only removed and added lines change: a context line keeps the file's
 * own spelling and ending however tolerantly it matched.
 *
 * An added line takes the ending of the line it replaces, else that of its neighbours, else the file's
 * most frequent one. A file without a final newline stays without one while its last line is kept or
 * replaced; lines added after that line end with a newline.
 */
export function rewrite(file: TextFile, chunks: readonly Chunk[]): TextFile | Mismatch {
  const edits: Edit[] = [];
  const seeker = new LineSeeker(file.lines);
  let cursor = 0;
  for (const chunk of chunks) {
    const placed = placeChunk(file, seeker, chunk, cursor);
    if ("type" in placed) return placed;
    edits.push(...placed.edits);
    cursor = placed.cursor;
  }
  return applyEdits(file, edits);
}

/** Replaces `removed` lines from `start` on by `added`. */
interface Edit {
  start: number;
  removed: number;
  added: string[];
}

function placeChunk(
  file: TextFile,
  seeker: LineSeeker,
  chunk: Chunk,
  from: number,
): { edits: Edit[]; cursor: number } | Mismatch {
  let cursor = from;
  if (chunk.heading !== null) {
    const found = seeker.find([chunk.heading], cursor, false);
    if (found === undefined) return { type: "heading_not_found", heading: chunk.heading };
    cursor = found + 1;
  }
  const old = oldLines(chunk.lines);
  if (old.length === 0) return { edits: editsOf(chunk.lines, file.lines.length), cursor };
  const start = seeker.find(old, cursor, chunk.endOfFile);
  if (start !== undefined) return { edits: editsOf(chunk.lines, start), cursor: start + old.length };
  return placeWithoutFinalBlank(seeker, chunk, cursor) ?? { type: "lines_not_found", lines: old };
}

/** Models often end a chunk with a blank line that the file does not have there. */
function placeWithoutFinalBlank(
  seeker: LineSeeker,
  chunk: Chunk,
  cursor: number,
): { edits: Edit[]; cursor: number } | undefined {
  const lines = withoutFinalBlank(chunk.lines);
  if (lines === undefined) return undefined;
  const old = oldLines(lines);
  const start = seeker.find(old, cursor, chunk.endOfFile);
  return start === undefined ? undefined : { edits: editsOf(lines, start), cursor: start + old.length };
}

/**
 * The chunk without its last old line, or undefined when that line is not blank. A blank context line
 * that additions follow was meant to be in the result, so it becomes an addition.
 */
function withoutFinalBlank(lines: readonly ChunkLine[]): ChunkLine[] | undefined {
  const index = lines.findLastIndex((line) => line.kind !== "add");
  const line = lines[index];
  if (line === undefined || line.text !== "") return undefined;
  const isSeparator = line.kind === "context" && index < lines.length - 1;
  return lines.toSpliced(index, 1, ...(isSeparator ? [{ kind: "add" as const, text: "" }] : []));
}

function oldLines(lines: readonly ChunkLine[]): string[] {
  return lines.filter((line) => line.kind !== "add").map((line) => line.text);
}

/** One edit per run of removed and added lines, for a chunk whose first old line is line `start` of the file. */
function editsOf(lines: readonly ChunkLine[], start: number): Edit[] {
  const edits: Edit[] = [];
  let position = start;
  let open: Edit | undefined;
  for (const line of lines) {
    if (line.kind === "context") {
      open = undefined;
      position++;
      continue;
    }
    if (open === undefined) {
      open = { start: position, removed: 0, added: [] };
      edits.push(open);
    }
    if (line.kind === "add") open.added.push(line.text);
    else {
      open.removed++;
      position++;
    }
  }
  return edits;
}

function applyEdits(file: TextFile, edits: readonly Edit[]): TextFile {
  const lines: string[] = [];
  const endings: LineEnding[] = [];
  const fallback = dominantEnding(file);
  let position = 0;
  const keepUntil = (end: number) => {
    for (; position < end; position++) {
      lines.push(file.lines[position] ?? "");
      endings.push(file.endings[position] ?? "");
    }
  };
  for (const edit of edits.toSorted((left, right) => left.start - right.start)) {
    keepUntil(edit.start);
    position = edit.start + edit.removed;
    for (let index = 0; index < edit.added.length; index++) {
      closeLastLine(endings, fallback);
      lines.push(edit.added[index] ?? "");
      endings.push(endingFor(file, edit, index) ?? fallback);
    }
    if (dropsFinalNewline(file, edit)) endings[endings.length - 1] = "";
  }
  keepUntil(file.lines.length);
  return { bom: file.bom, lines: withoutSecondBom(file, lines), endings };
}

/** Something follows a line that was the last: it needs an ending, like the line before it. */
function closeLastLine(endings: LineEnding[], fallback: LineEnding): void {
  if (endings.at(-1) === "") endings[endings.length - 1] = endings.at(-2) ?? fallback;
}

function endingFor(file: TextFile, edit: Edit, index: number): LineEnding | undefined {
  const { start, removed } = edit;
  const candidates = [
    removed > 0 ? file.endings[start + Math.min(index, removed - 1)] : undefined,
    file.endings[start - 1],
    file.endings[start + removed],
  ];
  return candidates.find((ending) => ending !== undefined && ending !== "");
}

/** Whether the edit replaces the last line of a file that had no final newline. */
function dropsFinalNewline(file: TextFile, edit: Edit): boolean {
  const end = edit.start + edit.removed;
  return edit.removed > 0 && edit.added.length > 0 && end === file.lines.length && file.endings.at(-1) === "";
}

/** A model that saw the byte order mark as part of line one repeats it in the new line one. */
function withoutSecondBom(file: TextFile, lines: string[]): string[] {
  if (file.bom && lines[0]?.startsWith("\ufeff")) lines[0] = lines[0].slice(1);
  return lines;
}
