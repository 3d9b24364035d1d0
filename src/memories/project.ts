import { basename } from "node:path";
import { originUrl } from "#git/origin.ts";
import { mainWorktreeRoot } from "#git/repository.ts";
import { realPath } from "#lib/real-path.ts";

/** What makes two sessions belong together. */
export interface ProjectIdentity {
  /** Absolute, links resolved: the main worktree's root, or the folder itself outside of a repository. */
  root: string;
  /** The repository's `origin` in the form `normalizeOrigin` gives, or undefined. */
  origin: string | undefined;
}

/** The project of an existing folder. Reads small files of git's, runs nothing. */
export function projectOf(cwd: string): ProjectIdentity {
  const root = mainWorktreeRoot(cwd) ?? cwd;
  const url = originUrl(root);
  return { root: realPath(root) ?? root, origin: url === undefined ? undefined : normalizeOrigin(url) };
}

/**
 * Whether a name (a project's path, or a remote) means the project: the same path, or the same remote. A path that is
 * another clone of the same remote means it too.
 */
export function isSameProject(name: string, project: ProjectIdentity): boolean {
  if (name === project.root) return true;
  // Names are stored with links resolved; only one written by hand can be another way to the same folder.
  if (basename(name) === basename(project.root) && (realPath(name) ?? name) === project.root) return true;
  if (project.origin === undefined) return false;
  if (!name.startsWith("/")) return normalizeOrigin(name) === project.origin;
  const url = originUrl(name);
  return url !== undefined && normalizeOrigin(url) === project.origin;
}

/**
 * A remote's address as `host/path`: without scheme, user, port, `.git` and trailing slashes, in lower case where it
 * makes no difference. `git@github.com:a/b.git` and `https://github.com/a/b/` are one.
 */
function normalizeOrigin(url: string): string {
  const trimmed = url
    .trim()
    .replace(/\/+$/, "")
    .replace(/\.git$/i, "")
    .replace(/\/+$/, "");
  const web = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/@]*@)?([^/:]+)(?::\d+)?\/+(.+)$/i.exec(trimmed);
  const scp = web ?? /^(?:[^/@:]+@)?([^/:]{2,}):(?!\/\/)\/*(.+)$/.exec(trimmed);
  if (scp === null) return trimmed;
  return `${scp[1]?.toLowerCase()}/${scp[2]}`;
}
