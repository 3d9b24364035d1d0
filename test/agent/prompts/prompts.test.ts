import { describe, expect, test } from "bun:test";
import { baseInstructions } from "#agent/prompts/base-instructions.ts";
import compact from "#agent/prompts/compact.md" with { type: "text" };
import { reviewPrompt } from "#agent/prompts/review-prompt.ts";
import rubric from "#agent/prompts/review-rubric.md" with { type: "text" };
import summaryPrefix from "#agent/prompts/summary-prefix.md" with { type: "text" };
import turnAborted from "#agent/prompts/turn-aborted.md" with { type: "text" };
import { reviewHint } from "#protocol/review.ts";
import { isContextText } from "#rollout/context-messages.ts";

describe("base instructions", () => {
  const codex = baseInstructions({ slug: "gpt-5.2-codex", freeformApplyPatch: true });
  const general = baseInstructions({ slug: "gpt-5.2", freeformApplyPatch: true });
  const unknown = baseInstructions({ slug: "mock-model", freeformApplyPatch: false });

  test("fit the model: how it patches, and what only general models need to hear", () => {
    expect(codex).toContain("a tool of its own");
    expect(codex).not.toContain("# Keeping at it");
    expect(general).toContain("# Keeping at it");
    expect(unknown).toContain("apply_patch <<'EOF'");
    expect(unknown).not.toContain("a tool of its own");
    expect(baseInstructions({ slug: "gpt-5.1-codex-max", freeformApplyPatch: true })).toBe(codex);
  });

  test("are 4,000 to 9,000 characters with every heading once", () => {
    for (const text of [codex, general, unknown]) {
      expect(text.length).toBeGreaterThan(4000);
      expect(text.length).toBeLessThan(9000);
      const headings = text.match(/^#+ .+$/gm) ?? [];
      expect(new Set(headings).size).toBe(headings.length);
    }
  });
});

test("the compaction prompt is at most 500 characters and the summary prefix one line", () => {
  expect(compact.length).toBeLessThanOrEqual(500);
  expect(summaryPrefix.trim()).not.toContain("\n");
  expect(isContextText(summaryPrefix)).toBe(false);
});

test("the interruption marker is context and wrapped in its tag", () => {
  expect(turnAborted.trim()).toMatch(/^<turn_aborted>\n[^<]+\n<\/turn_aborted>$/);
  expect(isContextText(turnAborted)).toBe(true);
});

test("the review rubric's sample answer is JSON of the promised shape", () => {
  const sample = JSON.parse(rubric.slice(rubric.indexOf("\n{\n"), rubric.lastIndexOf("\n}\n") + 2));
  expect(Object.keys(sample)).toEqual([
    "findings",
    "overall_correctness",
    "overall_explanation",
    "overall_confidence_score",
  ]);
  expect(Object.keys(sample.findings[0])).toEqual(["title", "body", "confidence_score", "priority", "code_location"]);
  expect(sample.findings[0].code_location).toEqual({
    absolute_file_path: "/absolute/path/file.ext",
    line_range: { start: 10, end: 12 },
  });
});

describe("reviews", () => {
  test("uncommitted changes use the sentence programs know", () => {
    const target = { type: "uncommittedChanges" } as const;
    expect(reviewPrompt(target)).toBe(
      "Review the current code changes (staged, unstaged, and untracked files) and provide prioritized findings.",
    );
    expect(reviewHint(target)).toBe("current changes");
  });

  test("a base branch names the merge base, or says how to find it", () => {
    const target = { type: "baseBranch", branch: "main" } as const;
    expect(reviewPrompt(target, "abc123")).toContain("git diff abc123");
    expect(reviewPrompt(target)).toContain("git merge-base HEAD main");
    expect(reviewHint(target)).toBe("changes against 'main'");
  });

  test("a commit is named with its title, custom instructions are passed as they are", () => {
    const sha = "0123456789abcdef";
    expect(reviewHint({ type: "commit", sha })).toBe("commit 0123456");
    expect(reviewHint({ type: "commit", sha, title: "Fix it" })).toBe("commit 0123456: Fix it");
    expect(reviewPrompt({ type: "commit", sha, title: "Fix it" })).toContain(`commit ${sha} ("Fix it")`);
    expect(reviewPrompt({ type: "custom", instructions: " look at x \n" })).toBe("look at x");
  });
});
