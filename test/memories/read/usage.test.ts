import { expect, test } from "bun:test";
import { memoryLayout } from "#memories/layout.ts";
import { openedThreads } from "#memories/read/usage.ts";

const ID = "019a0000-0000-7000-8000-00000000000a";
const where = { layout: memoryLayout("/home/u/.codex"), cwd: "/home/u/project" };
const FILE = `/home/u/.codex/memories/rollout_summaries/${ID}.md`;

test("what only reads a session's file counts as opening it", () => {
  const opened: string[][] = [
    ["cat", FILE],
    ["sed", "-n", "1,40p", FILE],
    ["/usr/bin/head", "-5", `../.codex/memories/rollout_summaries/${ID}.md`],
    ["rg", "tests", `/home/u/.codex/memories/rollout_summaries/${ID}.md`],
  ];
  for (const command of opened) expect(openedThreads([command], where)).toEqual([ID]);
});

test("what writes, and other paths, do not", () => {
  const others: string[][] = [
    ["sed", "-i", "s/a/b/", FILE],
    ["rm", FILE],
    ["cat", "/home/u/.codex/memories/MEMORY.md"],
    ["cat", `/tmp/rollout_summaries/${ID}.md`],
    ["cat", "/home/u/.codex/memories/rollout_summaries/notes.md"],
    [],
  ];
  for (const command of others) expect(openedThreads([command], where)).toEqual([]);
});

test("each thread counts once", () => {
  expect(
    openedThreads(
      [
        ["cat", FILE, FILE],
        ["tail", FILE],
      ],
      where,
    ),
  ).toEqual([ID]);
});
