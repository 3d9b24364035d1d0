import { assertNever } from "#lib/errors.ts";
import type { ReviewTarget } from "#protocol/review.ts";

/**
 * What to ask the reviewing model about a target. `mergeBase` is the commit where the current branch left the base
 * branch; without it the model is told to find it.
 */
export function reviewPrompt(target: ReviewTarget, mergeBase?: string): string {
  switch (target.type) {
    case "uncommittedChanges":
      return "Review the current code changes (staged, unstaged, and untracked files) and provide prioritized findings.";
    case "baseBranch":
      return basePrompt(target.branch, mergeBase);
    case "commit":
      return commitPrompt(target.sha, target.title);
    case "custom":
      return target.instructions.trim();
    default:
      return assertNever(target);
  }
}

function basePrompt(branch: string, mergeBase: string | undefined): string {
  const ask = "Report prioritized findings about what these changes would bring into that branch, and only about them.";
  if (mergeBase === undefined) {
    return `Review the changes of the current branch against the base branch '${branch}'. Find the commit where they parted with \`git merge-base HEAD ${branch}\` (or against the branch's upstream), then look at \`git diff\` from that commit. ${ask}`;
  }
  return `Review the changes of the current branch against the base branch '${branch}'. They parted at commit ${mergeBase}; \`git diff ${mergeBase}\` shows what would be merged. ${ask}`;
}

function commitPrompt(sha: string, title: string | undefined): string {
  const named = title === undefined ? `commit ${sha}` : `commit ${sha} ("${title}")`;
  return `Review the changes that ${named} makes; \`git show ${sha}\` shows them. Report prioritized findings about this commit only.`;
}
