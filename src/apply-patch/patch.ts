import { assertNever } from "#lib/errors.ts";

/** One line of a chunk, without its line ending. */
export interface ChunkLine {
  kind: "context" | "remove" | "add";
  text: string;
}

/** One contiguous edit of a file. */
export interface Chunk {
  /** The text after `@@`: a line that precedes the edit, or null when none was given. */
  heading: string | null;
  /** Context, removed and added lines in the order written; never empty. */
  lines: ChunkLine[];
  /** Whether the old lines must be the last of the file (`*** End of File`). */
  endOfFile: boolean;
}

/** What a patch does to one path. Paths are as written: relative to the working folder, or absolute. */
export type Hunk =
  | { type: "add"; path: string; content: string }
  | { type: "delete"; path: string }
  | { type: "update"; path: string; movePath: string | null; chunks: Chunk[] };

export interface Patch {
  type: "patch";
  hunks: Hunk[];
}

/** Why a patch cannot be applied. `path` is as written in the patch, `absolutePath` where that is. */
export type PatchError =
  | { type: "invalid_patch"; message: string }
  /** `line` is 1-based, counted from `*** Begin Patch`. */
  | { type: "invalid_hunk"; line: number; message: string }
  | { type: "unreadable"; purpose: "update" | "delete"; path: string; absolutePath: string; reason: string }
  /** The place a file would be written to cannot be found out (a cycle of links, a folder without access). */
  | { type: "unresolvable"; path: string; absolutePath: string; reason: string }
  | { type: "heading_not_found"; path: string; absolutePath: string; heading: string }
  | { type: "lines_not_found"; path: string; absolutePath: string; lines: string[] };

/** The error as the model reads it: absolute paths, no final newline. */
export function describeForModel(error: PatchError): string {
  switch (error.type) {
    case "invalid_patch":
      return `invalid patch: ${error.message}`;
    case "invalid_hunk":
      return `invalid hunk at line ${error.line}, ${error.message}`;
    default:
      return describeFileError(error, error.absolutePath);
  }
}

/** The error as the `apply_patch` command prints it: paths as written, no final newline. */
export function describeForCommand(error: PatchError): string {
  switch (error.type) {
    case "invalid_patch":
      return `Invalid patch: ${error.message}`;
    case "invalid_hunk":
      return `Invalid patch hunk on line ${error.line}: ${error.message}`;
    case "unreadable":
      return error.purpose === "delete" ? `Failed to delete file ${error.path}` : describeFileError(error, error.path);
    default:
      return describeFileError(error, error.path);
  }
}

type FileError = Exclude<PatchError, { type: "invalid_patch" | "invalid_hunk" }>;

function describeFileError(error: FileError, path: string): string {
  switch (error.type) {
    case "unreadable":
      return `Failed to read ${error.purpose === "update" ? "file to update " : ""}${path}: ${error.reason}`;
    case "unresolvable":
      return `Failed to resolve ${path}: ${error.reason}`;
    case "heading_not_found":
      return `Failed to find context '${error.heading}' in ${path}`;
    case "lines_not_found":
      return `Failed to find expected lines in ${path}:\n${error.lines.join("\n")}`;
    default:
      return assertNever(error);
  }
}
