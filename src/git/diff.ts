import { type GitOptions, runGit } from "./run.ts";

/** What the working tree holds beyond a commit. */
export interface WorkingTreeChanges {
  /** Unified diff of tracked files, staged or not. */
  diff: string;
  /** Paths of untracked files that are not ignored, relative to the repository's root. */
  untracked: string[];
}

/**
 * The changes of the working tree against a commit (`HEAD` unless told). Undefined when git cannot tell: no
 * repository, no such commit, or more output than the limit.
 */
export async function workingTreeChanges(options: GitOptions, base = "HEAD"): Promise<WorkingTreeChanges | undefined> {
  const [diff, untracked] = await Promise.all([
    runGit(["diff", "--no-color", "--no-ext-diff", "--no-textconv", "--end-of-options", base, "--"], options),
    runGit(["ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", ":/"], options),
  ]);
  if (!diff.ok || !untracked.ok) return undefined;
  return { diff: diff.stdout, untracked: untracked.stdout.split("\0").filter((path) => path !== "") };
}
