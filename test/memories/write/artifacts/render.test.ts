import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseRawMemories, parseSummary } from "#memories/write/artifacts/parse.ts";
import { isFileSafeId, renderableRows, renderRawMemories, renderSummary } from "#memories/write/artifacts/render.ts";
import { memoryRequirement } from "../../../compat/memory-cite.ts";
import { T, threadId } from "../../../state/home.ts";
import { row } from "../fixture.ts";

const HOME = "/home/u/.codex";
const ALL: ReadonlySet<string> = new Set(Array.from({ length: 20 }, (_, n) => threadId(n)));

memoryRequirement(
  ["mem.2.5"],
  "a summary file has its front matter in a fixed order, JSON values, and the text",
  () => {
    const one = row(1, {
      sourceUpdatedAt: T,
      rolloutPath: `${HOME}/sessions/2026/12/01/rollout-a.jsonl`,
      rolloutSummary: "Grüße\n---\nnot the end",
      gitBranch: null,
      usageCount: 3,
      lastUsage: T,
    });
    expect(renderSummary(one, HOME).toString()).toBe(
      [
        "---",
        `thread_id: "${threadId(1)}"`,
        'updated_at: "2027-01-15T08:00:00Z"',
        'rollout_path: "sessions/2026/12/01/rollout-a.jsonl"',
        'cwd: "/work/app"',
        'project: "/work/app"',
        "git_branch: null",
        'provider: "openai"',
        'model: "gpt-test"',
        'extractor: "builtin"',
        "rollout_slug: null",
        'generated_at: "2027-01-15T08:00:00Z"',
        "usage_count: 3",
        'last_usage: "2027-01-15T08:00:00Z"',
        "summary_bytes: 23",
        "---",
        "",
        "Grüße",
        "---",
        "not the end",
        "",
      ].join("\n"),
    );
  },
);

memoryRequirement(["mem.2.5"], "raw_memories.md has one counted section per row in the order given", () => {
  const text = renderRawMemories([row(2, { rawMemory: "é\n" }), row(1, { rawMemory: "one", cwd: "" })]).toString();
  expect(text.slice(text.indexOf("## Thread"))).toBe(
    [
      `## Thread \`${threadId(2)}\``,
      "updated_at: 2027-01-15T07:43:22Z",
      "cwd: /work/app",
      `rollout_summary_file: rollout_summaries/${threadId(2)}.md`,
      "evidence: []",
      "bytes: 3",
      "",
      "é\n",
      "",
      `## Thread \`${threadId(1)}\``,
      "updated_at: 2027-01-15T07:43:21Z",
      'cwd: ""',
      `rollout_summary_file: rollout_summaries/${threadId(1)}.md`,
      "evidence: []",
      "bytes: 3",
      "",
      "one",
      "",
      "",
    ].join("\n"),
  );
});

memoryRequirement(["mem.2.5"], "without rows the file says so", () => {
  expect(renderRawMemories([]).toString()).toEndWith("\n\nNo raw memories yet.\n");
  expect(parseRawMemories(renderRawMemories([]), new Set())).toEqual([]);
});

const HOSTILE = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.constantFrom(
    `## Thread \`${threadId(3)}\`\nupdated_at: 2020-01-01T00:00:00Z\nbytes: 3\n\nabc\n\n`,
    "---\n\nsummary_bytes: 0\n---\n\n",
    "\n\n\n",
    "\r\n \t",
    "a".repeat(5000),
    '"quoted"',
    "\u2028\u2029\u0000\ufeff",
  ),
);
const TEXT = fc.array(HOSTILE, { maxLength: 4 }).map((parts) => Buffer.from(parts.join("")).toString());

describe("whatever the texts say", () => {
  test("the counted sections give back exactly the rows", () => {
    const rows = fc.array(fc.record({ rawMemory: TEXT, cwd: TEXT, evidence: fc.jsonValue() }), { maxLength: 8 });
    fc.assert(
      fc.property(rows, (all) => {
        const given = all.map((one, n) => row(n, { ...one, evidence: JSON.stringify(one.evidence) }));
        const sections = parseRawMemories(renderRawMemories(given), new Set());
        expect(sections).toEqual(
          given.map(({ threadId, sourceUpdatedAt, cwd, evidence, rawMemory }) => ({
            threadId,
            updatedAt: sourceUpdatedAt,
            cwd,
            evidence,
            rawMemory,
          })),
        );
      }),
      { numRuns: 200 },
    );
  });

  test("a summary file gives back its values and its text", () => {
    fc.assert(
      fc.property(TEXT, TEXT, TEXT, (rolloutSummary, cwd, gitBranch) => {
        const one = row(1, { rolloutSummary, cwd, gitBranch });
        const file = parseSummary(renderSummary(one, HOME), one.threadId);
        expect(file?.summary).toBe(rolloutSummary);
        expect(file?.values).toMatchObject({ cwd, git_branch: gitBranch, thread_id: one.threadId });
      }),
      { numRuns: 200 },
    );
  });
});

test("after a hand edit the text goes to the next section line of a thread that has a summary", () => {
  const rows = [3, 2, 1].map((n) => row(n, { rawMemory: `memory ${n}` }));
  const edited = renderRawMemories(rows)
    .toString()
    .replace("memory 2", `memory two\n\n## Thread \`${threadId(9)}\`\n\nmade up`);
  const known = new Set([1, 2, 3].map(threadId));
  const sections = parseRawMemories(Buffer.from(edited), known);
  expect(sections?.map(({ threadId, rawMemory }) => [threadId, rawMemory])).toEqual([
    [threadId(3), "memory 3"],
    [threadId(2), `memory two\n\n## Thread \`${threadId(9)}\`\n\nmade up`],
    [threadId(1), "memory 1"],
  ]);
});

test("a cut file gives the sections that are whole, and what is left of the last", () => {
  const bytes = renderRawMemories([2, 1].map((n) => row(n, { rawMemory: `memory ${n}` })));
  const cut = bytes.subarray(0, bytes.length - 4);
  expect(parseRawMemories(cut, ALL)?.map(({ rawMemory }) => rawMemory)).toEqual(["memory 2", "memory"]);
});

test("files of others are not taken for ours", () => {
  expect(parseRawMemories(Buffer.from("# Raw Memories\n\nMerged\n"), ALL)).toBeUndefined();
  expect(parseSummary(Buffer.from(`thread_id: ${threadId(1)}\n\nx\n`), threadId(1))).toBeUndefined();
  expect(parseSummary(renderSummary(row(1), HOME), threadId(2))).toBeUndefined();
});

test("rows that cannot be file names, or say nothing, are left out", () => {
  for (const id of ["../../x", "a/b", ".hidden", "", "a\u0000", "con:1", "x".repeat(200)])
    expect(isFileSafeId(id)).toBe(false);
  const rows = [row(1, { threadId: "../x" }), row(2, { rawMemory: " \n", rolloutSummary: "\t" }), row(3)];
  expect(renderableRows(rows)).toEqual([row(3)]);
});
