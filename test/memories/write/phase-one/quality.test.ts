import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SessionCollector } from "#memories/write/phase-one/builtin/collect.ts";
import { extractBuiltin } from "#memories/write/phase-one/extract-builtin.ts";
import type { Extraction } from "#memories/write/phase-one/extraction.ts";
import { filterRollout } from "#memories/write/phase-one/filter-rollout.ts";
import {
  expandCorpus,
  type Findings,
  loadMemoryCorpus,
  type MemorySession,
  scoreSession,
  summarizeScores,
} from "../../../support/memory-corpus.ts";

const corpus: MemorySession[] = await loadMemoryCorpus();
const home = mkdtempSync(join(tmpdir(), "codex-quality-"));
const results = new Map<string, { path: string; extraction: Extraction | null }>();

beforeAll(async () => {
  for (const [name, { path }] of await expandCorpus(corpus, home)) {
    results.set(name, { path, extraction: await extract(path) });
  }
});

afterAll(() => rmSync(home, { recursive: true, force: true }));

async function extract(path: string): Promise<Extraction | null> {
  const collector = new SessionCollector();
  const facts = await filterRollout(path, collector);
  return extractBuiltin(path, facts, collector.collected());
}

function resultOf(name: string): { path: string; extraction: Extraction | null } {
  const result = results.get(name);
  if (result === undefined) throw new Error(`the session "${name}" was not extracted`);
  return result;
}

/** What the kept text itself lists, so that the scores are about what later sessions read. */
function findingsOf(extraction: Extraction | null): Findings {
  const preferences = listOf(extraction?.rawMemory ?? "", "Preferences");
  const fixes = (extraction?.evidence ?? []).flatMap((one) =>
    one.statement === "fix" ? [{ command: one.command, error: one.quote }] : [],
  );
  return { preferences, fixes };
}

function listOf(markdown: string, heading: string): string[] {
  const section = markdown.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? "";
  return [...section.matchAll(/^- (.*?) \[line \d+\]$/gm)].map((match) => match[1] ?? "");
}

test("quality on the labelled sessions", () => {
  const scores = corpus.map((session) => scoreSession(session, findingsOf(resultOf(session.name).extraction)));
  const found = summarizeScores(scores);
  const told = scores
    .flatMap(({ name, preferences, fixes }) =>
      [preferences, fixes].map(({ missed, wrong }) => ({ name, missed, wrong })),
    )
    .filter(({ missed, wrong }) => missed.length + wrong.length > 0);
  const problems = JSON.stringify(told, null, 1);
  expect(
    scores.reduce((sum, { preferences }) => sum + preferences.found.length, 0),
    problems,
  ).toBeGreaterThan(40);
  expect(found.preferences.recall, problems).toBeGreaterThanOrEqual(0.85);
  expect(found.preferences.precision, problems).toBeGreaterThanOrEqual(0.95);
  expect(found.fixes.recall, problems).toBeGreaterThanOrEqual(0.85);
  expect(found.fixes.precision, problems).toBeGreaterThanOrEqual(0.95);
  expect(found.foreign, "nothing that others wrote is presented as the user's").toBe(0);
  expect(found.leaked, "no secret is kept").toBe(0);
});

test("nothing at all is kept from at least nine of ten empty sessions", () => {
  const empty = corpus.filter(({ labels }) => labels.empty);
  const kept = empty.filter(({ name }) => resultOf(name).extraction !== null).map(({ name }) => name);
  expect(empty.length).toBeGreaterThanOrEqual(10);
  expect(kept.length, kept.join(", ")).toBeLessThanOrEqual(empty.length / 10);
});

test("what others wrote stands in no preference, in no statement of the user's in the summary", () => {
  for (const { name, labels } of corpus) {
    const { extraction } = resultOf(name);
    const own = [
      ...listOf(extraction?.rawMemory ?? "", "Preferences"),
      ...listOf(extraction?.rolloutSummary ?? "", "The user asked"),
      ...listOf(extraction?.rolloutSummary ?? "", "Preferences"),
    ].join("\n");
    for (const phrase of labels.foreign) expect(own.includes(phrase), `${name}: ${phrase}`).toBe(false);
  }
});

test("no made-up secret of a session is in any text that is kept", () => {
  for (const { name, source } of corpus) {
    const kept = JSON.stringify(resultOf(name).extraction);
    for (const { text } of source.secrets) expect(kept.includes(text), `${name}: ${text}`).toBe(false);
  }
});

test("every statement's evidence is the file's bytes at the place it names", () => {
  let quoted = 0;
  for (const { path, extraction } of results.values()) {
    const bytes = readFileSync(path);
    const lines = bytes.toString("utf8").split("\n");
    for (const one of extraction?.evidence ?? []) {
      const range = bytes.subarray(one.start, one.end);
      expect(createHash("sha256").update(range).digest("hex")).toBe(one.sha256);
      expect(lines[one.line - 1]).toContain(range.toString("utf8"));
      if (one.statement === "preference" && !one.quote.includes("REDACTED")) {
        expect(JSON.parse(`"${range.toString("utf8")}"`)).toBe(one.quote);
        quoted++;
      }
    }
  }
  expect(quoted).toBeGreaterThan(40);
});

test("the same bytes give the same texts", async () => {
  for (const { path, extraction } of [...results.values()].slice(0, 20))
    expect(await extract(path)).toEqual(extraction);
});

test("no quote can begin a heading or a second list item", () => {
  for (const { extraction } of results.values()) {
    const headings = (extraction?.rawMemory ?? "").match(/^#.*$/gm) ?? [];
    for (const heading of headings)
      expect(heading).toMatch(/^## (?:Preferences|Fixes|Commands|Files changed|Outcome)$/);
    for (const line of (extraction?.rawMemory ?? "").split("\n").filter((one) => one.startsWith("- "))) {
      expect(line).toMatch(/ \[line \d+\]$/);
    }
  }
});
