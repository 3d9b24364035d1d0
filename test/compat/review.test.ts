import { expect } from "bun:test";
import { answer, assistantText } from "../support/model-script.ts";
import { requirement } from "./cite.ts";
import {
  completedItems,
  git,
  type Played,
  type RolloutLine,
  readRollout,
  textOf,
  useStage,
  type World,
} from "./stage.ts";

const stage = useStage();

const FINDINGS = {
  findings: [
    {
      title: "[P1] Wrong sign",
      body: "It should be plus.",
      confidence_score: 0.9,
      priority: 1,
      code_location: { absolute_file_path: "/work/a.ts", line_range: { start: 1, end: 2 } },
    },
  ],
  overall_correctness: "patch is incorrect",
  overall_explanation: "One bug.",
  overall_confidence_score: 0.8,
};

const uncommitted = stage.shared({
  argv: ["exec", "--json", "review", "--uncommitted"],
  responses: [answer(assistantText(JSON.stringify(FINDINGS)))],
});
const ordinary = stage.shared({});

/** A repository with a commit on main and one on a branch. */
async function repository(): Promise<{ world: World; base: string; head: string }> {
  const world = await stage.world({ files: { "a.txt": "a\n" } });
  git(world.cwd, "add", ".");
  git(world.cwd, "commit", "-qm", "base commit");
  const base = git(world.cwd, "rev-parse", "HEAD");
  git(world.cwd, "checkout", "-qb", "topic");
  git(world.cwd, "commit", "-qm", "topic commit", "--allow-empty");
  return { world, base, head: git(world.cwd, "rev-parse", "HEAD") };
}

function asked(world: World): string {
  return textOf(world.server.requests[0]?.body.input.at(-1));
}

function childAndParent(played: Played): { parent: RolloutLine[]; child: RolloutLine[] } {
  const all = played.world.rolloutPaths().map(readRollout);
  const parent = all.find(([meta]) => meta?.payload.source === "exec");
  const child = all.find(([meta]) => meta?.payload.source !== "exec");
  if (parent === undefined || child === undefined) throw new Error(`${all.length} rollouts; stderr: ${played.stderr}`);
  return { parent, child };
}

requirement(["exec.review.no-target"], "review without a target", async () => {
  const played = await stage.play({ argv: ["exec", "--json", "review"] });
  expect(played.code).toBe(1);
  expect(played.stderr).toContain("Specify --uncommitted, --base, --commit, or provide custom review instructions");
  expect(played.requests).toEqual([]);
});

requirement(["exec.review.uncommitted"], "--uncommitted", async () => {
  const text = asked((await uncommitted()).world);
  for (const word of ["staged", "unstaged", "untracked"]) expect(text).toContain(word);
});

requirement(["exec.review.base"], "--base", async () => {
  const { world, base } = await repository();
  await world.run({ argv: ["exec", "--json", "review", "--base", "main"] });
  expect(asked(world)).toContain("main");
  expect(asked(world)).toContain(base);
});

requirement(["exec.review.commit", "exec.review.commit-title"], "--commit", async () => {
  const { world, head } = await repository();
  await world.run({ argv: ["exec", "--json", "review", "--commit", head, "--title", "the title"] });
  expect(asked(world)).toContain(head);
  expect(asked(world)).toContain("the title");
});

requirement(["exec.review.custom"], "custom instructions", async () => {
  const played = await stage.play({ argv: ["exec", "--json", "review", "look at the locks"] });
  expect(asked(played.world)).toBe("look at the locks");
});

requirement(["exec.review.instructions"], "a review's instructions", async () => {
  const own = (await uncommitted()).requests[0]?.body.instructions ?? "";
  expect(own.length).toBeGreaterThan(500);
  expect(own).not.toBe((await ordinary()).requests[0]?.body.instructions ?? "");
});

requirement(["exec.review.findings"], "findings", async () => {
  const messages = completedItems(await uncommitted(), "agent_message").map(({ text }) => text);
  const comment = "- [P1] Wrong sign — /work/a.ts:1-2\n  It should be plus.";
  expect(messages).toEqual([`One bug.\n\nReview comment:\n\n${comment}`]);
});

requirement(["exec.review.plain"], "a review that is not JSON", async () => {
  const played = await stage.play({
    argv: ["exec", "--json", "review", "--uncommitted"],
    responses: [answer(assistantText("Looks good."))],
  });
  expect(completedItems(played, "agent_message").map(({ text }) => text)).toEqual(["Looks good."]);
  expect(played.code).toBe(0);
});

requirement(["exec.review.rollouts"], "two rollouts", async () => {
  const played = await uncommitted();
  const { child } = childAndParent(played);
  expect(played.world.rolloutPaths()).toHaveLength(2);
  expect(child[0]?.payload.source).toEqual({ subagent: "review" });
});

requirement(["exec.review.entered"], "entered_review_mode", async () => {
  const { parent } = childAndParent(await uncommitted());
  const entered = parent.filter(({ payload }) => payload.type === "entered_review_mode");
  expect(entered.map(({ payload }) => payload)).toEqual([
    {
      type: "entered_review_mode",
      target: { type: "uncommittedChanges" },
      user_facing_hint: "current changes",
    },
  ]);
});

requirement(["exec.review.exited"], "exited_review_mode", async () => {
  const { parent } = childAndParent(await uncommitted());
  const exited = parent.filter(({ payload }) => payload.type === "exited_review_mode");
  expect(exited.map(({ payload }) => payload)).toEqual([{ type: "exited_review_mode", review_output: FINDINGS }]);
});

requirement(["exec.review.human-hint"], "human output", async () => {
  const played = await stage.play({ argv: ["exec", "review", "--uncommitted"] });
  const lines = played.stderr.split("\n");
  expect(lines[lines.indexOf("user") + 1]).toBe("current changes");
});
