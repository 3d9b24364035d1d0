import { readFileSync, type Stats, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** Where a repository keeps what. All paths are absolute. */
export interface GitRepository {
  /** The working tree's top folder: the one with `.git`. */
  root: string;
  /** This working tree's own folder (HEAD, index): `.git`, or `…/worktrees/<name>` of a linked worktree. */
  gitDir: string;
  /** What all working trees share (refs, config, objects). */
  commonDir: string;
}

/**
 * The repository a folder is in, found by walking up to the nearest `.git`, without running git.
 * Undefined when there is none, or when the `.git` file leads nowhere.
 */
export function findRepository(cwd: string): GitRepository | undefined {
  const root = findGitRoot(cwd);
  if (root === undefined) return undefined;
  const gitDir = resolveGitDir(join(root, ".git"));
  if (gitDir === undefined) return undefined;
  const common = readSmallFile(join(gitDir, "commondir"))?.trim();
  return { root, gitDir, commonDir: common === undefined || common === "" ? gitDir : resolve(gitDir, common) };
}

/** The nearest folder from `cwd` upwards that has a `.git` entry of any kind, or undefined. */
export function findGitRoot(cwd: string): string | undefined {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    if (statOf(join(folder, ".git")) !== undefined) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}

/**
 * The top folder of the main working tree, so that linked worktrees answer as the repository they belong
 * to. A submodule or a repository with a separate git folder answers with its own root.
 */
export function mainWorktreeRoot(cwd: string): string | undefined {
  const repository = findRepository(cwd);
  if (repository === undefined) return findGitRoot(cwd);
  const { root, gitDir, commonDir } = repository;
  return gitDir !== commonDir && commonDir.endsWith("/.git") ? dirname(commonDir) : root;
}

/** The folder a `.git` entry stands for: itself, or where its `gitdir:` line leads. */
function resolveGitDir(dotGit: string): string | undefined {
  if (isFolder(dotGit)) return dotGit;
  const target = /^gitdir: (.+?)\s*$/m.exec(readSmallFile(dotGit) ?? "")?.[1];
  if (target === undefined) return undefined;
  const gitDir = resolve(dirname(dotGit), target);
  return isFolder(gitDir) ? gitDir : undefined;
}

function isFolder(path: string): boolean {
  return statOf(path)?.isDirectory() ?? false;
}

/** Whether git would wait for somebody else when it opens the path: a FIFO, a device, a socket. */
export function isSpecialFile(path: string): boolean {
  const stat = statOf(path);
  return stat !== undefined && !stat.isFile() && !stat.isDirectory();
}

/** Undefined for what is not there and for what may not be looked at (no permission, a circle of links). */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Git's own small files are far below this; anything larger is not one. */
const SMALL_FILE_BYTES = 1 << 20;

/** The text of a regular file up to 1 MiB, or undefined. Never follows into a device or FIFO. */
export function readSmallFile(path: string): string | undefined {
  try {
    const stat = statOf(path);
    return stat?.isFile() && stat.size <= SMALL_FILE_BYTES ? readFileSync(path, "utf8") : undefined;
  } catch {
    return undefined;
  }
}
