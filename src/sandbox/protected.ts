import { lstatSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { realPath } from "#lib/real-path.ts";

/** Folders below a writable root that decide what runs outside the sandbox later. */
const PROTECTED_NAMES = [".git", ".codex", ".agents"] as const;

/** Files of CODEX_HOME with the user's credentials: nothing a command runs has business with them. */
export const CREDENTIALS = ["auth.json", ".credentials.json"] as const;

/** A path commands must not change, and what is there now ("file" is anything that is neither folder nor link). */
export interface ProtectedPath {
  path: string;
  state: "directory" | "file" | "symlink" | "absent";
  /** Whether an absent path may come into being: only `.git`, so that `git init` works. */
  mayBeCreated: boolean;
}

/**
 * What stays read-only at or below a writable root: `.git` with the git folders it points to, `.codex`,
 * `.agents`, and CODEX_HOME when it lies deeper. `root` and `codexHome` are canonical. A root that is a
 * single file holds nothing to protect.
 */
export function protectedPaths(root: string, codexHome: string): ProtectedPath[] {
  if (stateOf(root) !== "directory") return [];
  const named = PROTECTED_NAMES.map((name) => inspect(join(root, name), name === ".git"));
  const paths = [...named, ...gitFolders(join(root, ".git")).map((path) => inspect(path, false))];
  if (codexHome.startsWith(root === "/" ? root : `${root}/`)) paths.push(inspect(codexHome, false));
  const isBelow = (path: string) => root === "/" || path.startsWith(`${root}/`);
  return paths.filter((entry) => isBelow(entry.path));
}

function inspect(path: string, mayBeCreated: boolean): ProtectedPath {
  return { path, state: stateOf(path), mayBeCreated };
}

function stateOf(path: string): ProtectedPath["state"] {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return "absent";
  if (stats.isSymbolicLink()) return "symlink";
  return stats.isDirectory() ? "directory" : "file";
}

/** The folders a `.git` file leads to: its gitdir and the repository's common folder. */
function gitFolders(dotGit: string): string[] {
  const gitdir = stateOf(dotGit) === "file" ? pointedTo(dotGit) : undefined;
  if (gitdir === undefined) return [];
  const common = readLine(join(gitdir, "commondir"));
  const commonFolder = common === undefined ? undefined : realPath(resolve(gitdir, common));
  return commonFolder === undefined ? [gitdir] : [gitdir, commonFolder];
}

function pointedTo(dotGitFile: string): string | undefined {
  const match = /^gitdir:\s*(.+)$/.exec(readLine(dotGitFile) ?? "");
  return match?.[1] === undefined ? undefined : realPath(resolve(dirname(dotGitFile), match[1].trim()));
}

function readLine(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").split("\n", 1)[0]?.trim();
  } catch {
    return undefined;
  }
}
