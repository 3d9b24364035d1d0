import type { Chunk, ChunkLine, Hunk, Patch, PatchError } from "./patch.ts";

const BEGIN = "*** Begin Patch";
const END = "*** End Patch";
const ADD = "*** Add File: ";
const DELETE = "*** Delete File: ";
const UPDATE = "*** Update File: ";
const MOVE = "*** Move to:";
const END_OF_FILE = "*** End of File";
const HEREDOC_STARTS: ReadonlySet<string> = new Set(["<<EOF", "<<'EOF'", '<<"EOF"']);

/**
 * Reads a patch. Lenient where models are careless: white space around the whole text and around hunk
 * headers, a here-document left around it, CRLF, an added file without lines, a first chunk without
 * `@@`, a bare empty line for an empty context line. Never throws.
 */
export function parsePatch(text: string): Patch | PatchError {
  const outer = splitLines(text.trim());
  const error = boundaryError(outer);
  if (error === undefined) return parseHunks(outer);
  const inner = withoutHeredoc(outer);
  return inner === undefined ? error : (boundaryError(inner) ?? parseHunks(inner));
}

/** Lines without their endings, where an ending is LF or CRLF. */
function splitLines(text: string): string[] {
  return text.split("\n").map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
}

function boundaryError(lines: string[]): PatchError | undefined {
  const first = lines[0]?.trim();
  const last = lines.at(-1)?.trim();
  const startsRight = first === BEGIN;
  if (startsRight && last === END && lines.length > 1) return undefined;
  // An empty text is told about its end, as the released program does.
  if (startsRight || first === "")
    return { type: "invalid_patch", message: `The last line of the patch must be '${END}'` };
  return { type: "invalid_patch", message: `The first line of the patch must be '${BEGIN}'` };
}

/** The lines inside `<<EOF … EOF` wrapped around a patch (the command word already gone), or undefined. */
function withoutHeredoc(lines: string[]): string[] | undefined {
  const isWrapped = lines.length >= 4 && HEREDOC_STARTS.has(lines[0] ?? "") && lines.at(-1)?.endsWith("EOF") === true;
  return isWrapped ? lines.slice(1, -1) : undefined;
}

/** The hunks of a patch whose first and last line are known to be the markers. */
function parseHunks(lines: string[]): Patch | PatchError {
  const cursor = new Cursor(lines, 1, lines.length - 1);
  const hunks: Hunk[] = [];
  while (!cursor.done) {
    const hunk = parseHunk(cursor);
    if (isError(hunk)) return hunk;
    hunks.push(hunk);
  }
  return { type: "patch", hunks };
}

function parseHunk(cursor: Cursor): Hunk | PatchError {
  const header = cursor.peek().trim();
  const path = (prefix: string) => header.slice(prefix.length);
  if (header.startsWith(ADD)) {
    cursor.skip();
    return parseAdd(cursor, path(ADD));
  }
  if (header.startsWith(DELETE)) {
    cursor.skip();
    return { type: "delete", path: path(DELETE) };
  }
  if (header.startsWith(UPDATE)) return parseUpdate(cursor, path(UPDATE));
  return invalidHunk(
    cursor.lineNumber,
    `'${header}' is not a valid hunk header. Valid hunk headers: '${ADD}{path}', '${DELETE}{path}', '${UPDATE}{path}'`,
  );
}

function parseAdd(cursor: Cursor, path: string): Hunk {
  let content = "";
  while (!cursor.done && cursor.peek().startsWith("+")) content += `${cursor.take().slice(1)}\n`;
  return { type: "add", path, content };
}

function parseUpdate(cursor: Cursor, path: string): Hunk | PatchError {
  const headerLine = cursor.lineNumber;
  cursor.skip();
  const movePath = parseMove(cursor);
  if (isError(movePath)) return movePath;
  const chunks: Chunk[] = [];
  while (true) {
    cursor.skipBlank();
    if (cursor.done || cursor.peek().startsWith("***")) break;
    const chunk = parseChunk(cursor, chunks.length === 0);
    if (isError(chunk)) return chunk;
    chunks.push(chunk);
  }
  if (chunks.length === 0) return invalidHunk(headerLine, `Update file hunk for path '${path}' is empty`);
  return { type: "update", path, movePath, chunks };
}

function parseMove(cursor: Cursor): string | null | PatchError {
  if (cursor.done) return null;
  const line = cursor.peek();
  if (!line.startsWith(MOVE)) return null;
  const target = line.slice(MOVE.length).trimEnd();
  if (!target.startsWith(" ")) return unexpectedLine(cursor);
  cursor.skip();
  return target.slice(1);
}

function parseChunk(cursor: Cursor, isFirst: boolean): Chunk | PatchError {
  const marker = cursor.peek().trimEnd();
  const hasMarker = marker === "@@" || marker.startsWith("@@ ");
  if (!hasMarker && !isFirst) {
    return invalidHunk(
      cursor.lineNumber,
      `Expected update hunk to start with a @@ context marker, got: '${cursor.peek()}'`,
    );
  }
  const heading = marker.startsWith("@@ ") ? cursor.peek().slice(3) : null;
  if (hasMarker) cursor.skip();
  const { lines, endOfFile } = parseChunkLines(cursor);
  if (lines.length > 0) return { heading, lines, endOfFile };
  if (cursor.done || endOfFile)
    return invalidHunk(emptyAt(cursor, endOfFile), "Update hunk does not contain any lines");
  return unexpectedLine(cursor);
}

function emptyAt(cursor: Cursor, endOfFile: boolean): number {
  return endOfFile ? cursor.lineNumber - 1 : cursor.lineNumber;
}

function parseChunkLines(cursor: Cursor): { lines: ChunkLine[]; endOfFile: boolean } {
  const lines: ChunkLine[] = [];
  while (!cursor.done) {
    const line = cursor.peek();
    if (line.trimEnd() === END_OF_FILE) {
      cursor.skip();
      return { lines, endOfFile: true };
    }
    const parsed = chunkLine(line);
    if (parsed === undefined) break;
    lines.push(parsed);
    cursor.skip();
  }
  return { lines, endOfFile: false };
}

function chunkLine(line: string): ChunkLine | undefined {
  switch (line[0]) {
    case undefined:
      return { kind: "context", text: "" };
    case " ":
      return { kind: "context", text: line.slice(1) };
    case "-":
      return { kind: "remove", text: line.slice(1) };
    case "+":
      return { kind: "add", text: line.slice(1) };
    default:
      return undefined;
  }
}

function unexpectedLine(cursor: Cursor): PatchError {
  return invalidHunk(
    cursor.lineNumber,
    `Unexpected line found in update hunk: '${cursor.peek()}'. ` +
      "Every line should start with ' ' (context line), '+' (added line), or '-' (removed line)",
  );
}

function invalidHunk(line: number, message: string): PatchError {
  return { type: "invalid_hunk", line, message };
}

function isError<T extends object>(value: T | string | null | PatchError): value is PatchError {
  return typeof value === "object" && value !== null && "type" in value && value.type === "invalid_hunk";
}

/** A position in the patch's lines; the end marker is outside. */
class Cursor {
  readonly #lines: readonly string[];
  readonly #end: number;
  #index: number;

  constructor(lines: readonly string[], start: number, end: number) {
    this.#lines = lines;
    this.#index = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.#index >= this.#end;
  }

  /** 1-based; the begin marker is line 1. */
  get lineNumber(): number {
    return this.#index + 1;
  }

  peek(): string {
    return this.#lines[this.#index] ?? "";
  }

  take(): string {
    const line = this.peek();
    this.#index++;
    return line;
  }

  skip(): void {
    this.#index++;
  }

  skipBlank(): void {
    while (!this.done && this.peek().trim() === "") this.#index++;
  }
}
