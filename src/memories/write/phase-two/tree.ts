import { lstatSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { CodexError } from "#lib/errors.ts";
import { sha256Hex } from "#lib/hash.ts";
import { isFolder, readRegular } from "../artifacts/folder.ts";

/** A regular file as it was read. */
export interface TreeFile {
  hash: string;
  bytes: Buffer;
  executable: boolean;
  /** Has other names too (hard links), so that writing it may write something else. */
  linked: boolean;
}

/** Files below a folder by their path with forward slashes; what is no regular file has a note instead of bytes. */
export type Tree = ReadonlyMap<string, TreeFile | { other: string }>;

/** Everything below a folder, hidden entries included. Links are named, never followed. */
export function readTree(folder: string): Tree {
  const tree = new Map<string, TreeFile | { other: string }>();
  walk(folder, "", tree);
  return tree;
}

/** What consolidation may change in the memory root: `MEMORY.md` and `skills/`. Throws when either is a link or the like. */
export function readRoot(root: string): Tree {
  const tree = new Map<string, TreeFile | { other: string }>();
  const memory = fileAt(join(root, "MEMORY.md"));
  if (memory !== undefined) tree.set("MEMORY.md", regular(memory, join(root, "MEMORY.md")));
  if (isFolder(join(root, "skills"))) walk(join(root, "skills"), "skills/", tree);
  return tree;
}

/** The hash of what is at a path now: the file's, "absent", or a note on what else it is. */
export function hashAt(path: string): string {
  const file = fileAt(path);
  if (file === undefined) return "absent";
  return "other" in file ? file.other : file.hash;
}

/** The hash a tree has for a path, in the words of `hashAt`. */
export function hashIn(tree: Tree, path: string): string {
  const file = tree.get(path);
  if (file === undefined) return "absent";
  return "other" in file ? file.other : file.hash;
}

/** Whether two trees have the same paths with the same content. */
export function sameTree(a: Tree, b: Tree): boolean {
  return a.size === b.size && [...a.keys()].every((path) => hashIn(a, path) === hashIn(b, path));
}

/** A tree's regular file. */
export function fileIn(tree: Tree, path: string): TreeFile | undefined {
  const file = tree.get(path);
  return file === undefined || "other" in file ? undefined : file;
}

function walk(folder: string, prefix: string, into: Map<string, TreeFile | { other: string }>): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) walk(path, `${prefix}${entry.name}/`, into);
    else {
      const file = fileAt(path);
      if (file !== undefined) into.set(prefix + entry.name, file);
    }
  }
}

function fileAt(path: string): TreeFile | { other: string } | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  if (stat.isSymbolicLink()) return { other: `a symbolic link to ${readlinkSync(path)}` };
  if (!stat.isFile()) return { other: stat.isDirectory() ? "a folder" : "a special file" };
  const bytes = readRegular(path);
  if (bytes === "absent") return undefined;
  if (bytes === "other") return { other: "a special file" };
  return { hash: sha256Hex(bytes), bytes, executable: (stat.mode & 0o100) !== 0, linked: stat.nlink > 1 };
}

function regular(file: TreeFile | { other: string }, path: string): TreeFile {
  if (!("other" in file)) return file;
  throw new CodexError(
    "memory_root",
    `Cannot consolidate memories: "${path}" is ${file.other}, expected a regular file; move it away or put a file in its place`,
  );
}
