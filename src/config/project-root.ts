import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

/** The nearest folder from `cwd` upwards that has one of the marker files; undefined when there is none. */
export function findProjectRoot(cwd: string, markers: readonly string[]): string | undefined {
  if (markers.length === 0) return undefined;
  return foldersUpwards(cwd).find((folder) => markers.some((marker) => existsSync(join(folder, marker))));
}

/** The folder and every folder above it, nearest first. */
export function foldersUpwards(folder: string): string[] {
  const folders = [folder];
  for (let at = folder; dirname(at) !== at; at = dirname(at)) folders.push(dirname(at));
  return folders;
}

/**
 * The folder of the main working tree of the repository around `cwd`: for a linked worktree the repository
 * it belongs to. Git's files are read directly. A `.git` file is believed only when the repository it names
 * points back to it, since anyone can put such a file into an archive to borrow another folder's trust.
 */
export function mainRepositoryRoot(cwd: string): string | undefined {
  const root = findProjectRoot(cwd, [".git"]);
  if (root === undefined) return undefined;
  const dotGit = join(root, ".git");
  if (isDirectory(dotGit)) return root;
  const gitDir = /^gitdir: (.+)$/m.exec(readOrEmpty(dotGit))?.[1]?.trim();
  if (gitDir === undefined) return undefined;
  const worktreeDir = resolve(root, gitDir);
  const backPointer = readOrEmpty(join(worktreeDir, "gitdir")).trim();
  if (backPointer === "" || !samePath(resolve(worktreeDir, backPointer), dotGit)) return undefined;
  const commonDir = resolve(worktreeDir, readOrEmpty(join(worktreeDir, "commondir")).trim());
  return basename(commonDir) === ".git" ? dirname(commonDir) : undefined;
}

/** The path with symbolic links resolved, or unchanged when it does not exist. */
export function realPath(path: string): string {
  // Asked first because an exception costs far more, and old decisions name many folders that are gone.
  if (!existsSync(path)) return path;
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}

function samePath(a: string, b: string): boolean {
  return a === b || realPath(a) === realPath(b);
}

export function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** The text of a small regular file; empty when it is missing, no regular file or unreadable. */
function readOrEmpty(path: string): string {
  try {
    return statSync(path).isFile() ? readFileSync(path, "utf8") : "";
  } catch {
    return "";
  }
}
