import { assertNever } from "#lib/errors.ts";
import type { ReviewTarget } from "#protocol/review.ts";

/** What to ask the reviewing model, and how to name the review to a person. */
export interface ReviewRequest {
  prompt: string;
  /** Goes after "reviewing …" in human output and into `entered_review_mode.user_facing_hint`. */
  hint: string;
}

/**
 * The request for a review target. `mergeBase` is the commit where the current branch left the base
 * branch; without it the model is told to find it.
 */
export function reviewRequest(target: ReviewTarget, mergeBase?: string): ReviewRequest {
  switch (target.type) {
    case "uncommittedChanges":
      return {
        prompt:
          "Review the current code changes (staged, unstaged, and untracked files) and provide prioritized findings.",
        hint: "current changes",
      };
    case "baseBranch":
      return { prompt: basePrompt(target.branch, mergeBase), hint: `changes against '${target.branch}'` };
    case "commit":
      return { prompt: commitPrompt(target.sha, target.title), hint: commitHint(target.sha, target.title) };
    case "custom":
      return { prompt: target.instructions.trim(), hint: target.instructions.trim() };
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

function commitHint(sha: string, title: string | undefined): string {
  const short = sha.slice(0, 7);
  return title === undefined ? `commit ${short}` : `commit ${short}: ${title}`;
}
