import { isUtf8 } from "node:buffer";
import { unifiedHunks } from "./file-changes.ts";

/** What stands at a path: the bytes of a file, or where a symbolic link leads. */
export interface FileVersion {
  /** As git writes it: `100644`, `100755`, or `120000` for a link. */
  mode: "100644" | "100755" | "120000";
  content: Buffer;
}

/** A file before and after; the path differs when it moved. null is no file. */
export interface FilePair {
  oldPath: string;
  newPath: string;
  before: FileVersion | null;
  after: FileVersion | null;
}

/**
 * What became of a file as `git diff --full-index` would show it, except that paths are never quoted, a move is told by
 * the two paths alone and files that are not UTF-8 are only named. Empty when nothing changed.
 */
export async function gitDiff({ oldPath, newPath, before, after }: FilePair): Promise<string> {
  if (before === null && after === null) return "";
  const isSameContent = before !== null && after !== null && before.content.equals(after.content);
  if (isSameContent && before.mode === after.mode) return "";
  const head = `diff --git a/${oldPath} b/${newPath}\n${modeLines(before, after)}`;
  if (isSameContent) return head;
  const index = `index ${blobId(before)}..${blobId(after)}\n`;
  const names = `--- ${before === null ? "/dev/null" : `a/${oldPath}`}\n+++ ${after === null ? "/dev/null" : `b/${newPath}`}\n`;
  if (!isText(before) || !isText(after)) return `${head}${index}${names}Binary files differ\n`;
  const hunks = await unifiedHunks(linesOf(before), linesOf(after));
  return head + index + (hunks === "" ? "" : names + hunks);
}

function modeLines(before: FileVersion | null, after: FileVersion | null): string {
  if (before === null) return `new file mode ${after?.mode}\n`;
  if (after === null) return `deleted file mode ${before.mode}\n`;
  return before.mode === after.mode ? "" : `old mode ${before.mode}\nnew mode ${after.mode}\n`;
}

/** The name git has for the content. */
function blobId(file: FileVersion | null): string {
  if (file === null) return "0".repeat(40);
  return new Bun.CryptoHasher("sha1").update(`blob ${file.content.length}\0`).update(file.content).digest("hex");
}

function isText(file: FileVersion | null): boolean {
  return file === null || isUtf8(file.content);
}

function linesOf(file: FileVersion | null): string[] {
  const text = file?.content.toString("utf8") ?? "";
  return text === "" ? [] : text.split(/(?<=\n)/);
}
