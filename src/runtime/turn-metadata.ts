import type { GitFacts } from "#git/facts.ts";
import type { SandboxPolicy } from "#protocol/policies.ts";

/** The `x-codex-turn-metadata` header of 0.101: the workspace's commit, and whether commands are confined. */
export function turnMetadata(options: {
  gitRoot: string | undefined;
  git: GitFacts | undefined;
  policy: SandboxPolicy;
}): string {
  const { gitRoot, git, policy } = options;
  const commit = git?.commit_hash === undefined ? {} : { latest_git_commit_hash: git.commit_hash };
  return JSON.stringify({
    ...(gitRoot === undefined ? {} : { workspaces: { [gitRoot]: commit } }),
    sandbox: policy.type === "danger-full-access" ? "none" : "seccomp",
  });
}
