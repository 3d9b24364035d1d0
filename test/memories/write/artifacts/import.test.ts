import { describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { artifactImporter, importArtifacts } from "#memories/write/artifacts/import.ts";
import { syncArtifacts, writeArtifacts } from "#memories/write/artifacts/sync.ts";
import { memoryRequirement } from "../../../compat/memory-cite.ts";
import { T, threadId } from "../../../state/home.ts";
import { row, runChild, type SeededHome, seeded, snapshot } from "../fixture.ts";

/** Loses the database and opens a new one over the files. */
async function reopened(home: SeededHome) {
  await home.store.close();
  for (const suffix of ["", "-wal", "-shm"]) rmSync(home.home.databasePath + suffix, { force: true });
  return home.home.open(artifactImporter(home.path));
}

const VARIED = [
  row(3, { rolloutSlug: "slug", usageCount: 7, lastUsage: T, gitBranch: null, extractor: "model:gpt-5" }),
  row(2, { cwd: 'a "b"\nc', project: "", evidence: '[{"line":3}]', model: null }),
  row(1, { rawMemory: `\n## Thread \`${threadId(2)}\`\nbytes: 1\n\nx\n\n`, rolloutSummary: "" }),
];

memoryRequirement(["mem.2.5"], "a lost database is filled from the files, and renders the same bytes", async () => {
  await using home = await seeded(VARIED);
  await syncArtifacts(home.store, { codexHome: home.path });
  const files = snapshot(home.root);
  const store = await reopened(home);
  expect(await store.outputs.list()).toEqual(VARIED);
  expect(await syncArtifacts(store, { codexHome: home.path, compareAll: true })).toMatchObject({
    written: 0,
    removed: 0,
  });
  expect(snapshot(home.root)).toEqual(files);
  expect((await store.meta.read()).import).toBe("done");
  expect(await store.phaseTwo.isDue({ now: T })).toBe(true);
  await store.close();
});

test("with a MEMORY.md nothing is due after an import", async () => {
  await using home = await seeded(VARIED);
  await syncArtifacts(home.store, { codexHome: home.path });
  home.write("MEMORY.md", "# Memory\n");
  const store = await reopened(home);
  expect(await store.phaseTwo.isDue({ now: T })).toBe(false);
  await store.close();
});

test("any rows come back as they were", async () => {
  await using home = await seeded([]);
  const text = fc.string({ unit: "grapheme", maxLength: 30 }).map((value) => Buffer.from(value).toString());
  const rows = fc.record({
    rawMemory: text.map((value) => `x${value}`),
    rolloutSummary: text,
    cwd: text,
    project: text,
    provider: text,
    model: fc.option(text, { nil: null }),
    gitBranch: fc.option(text, { nil: null }),
    rolloutSlug: fc.option(text, { nil: null }),
    evidence: fc.jsonValue().map((value) => JSON.stringify(value)),
    usageCount: fc.nat(),
    lastUsage: fc.option(fc.nat({ max: T }), { nil: null }),
    sourceUpdatedAt: fc.nat({ max: T }),
    rolloutPath: fc.constantFrom("/x/y.jsonl", join(home.path, "sessions", "a.jsonl"), ""),
  });
  fc.assert(
    fc.property(fc.array(rows, { maxLength: 4 }), (all) => {
      const given = all.map((one, n) => row(n, one));
      writeArtifacts(given, { codexHome: home.path });
      expect(importArtifacts(home.path).outputs).toEqual(given);
    }),
    { numRuns: 60 },
  );
});

describe("what only one file has, or what they disagree about", () => {
  test("a summary without a section, a section without a summary", async () => {
    await using home = await seeded([row(2), row(1)]);
    await syncArtifacts(home.store, { codexHome: home.path });
    rmSync(home.at(`rollout_summaries/${threadId(2)}.md`));
    const raw = home.read("raw_memories.md");
    home.write("raw_memories.md", raw.slice(0, raw.indexOf(`## Thread \`${threadId(1)}`)));
    const { outputs } = importArtifacts(home.path);
    expect(outputs.map(({ threadId, rawMemory, rolloutSummary }) => [threadId, rawMemory, rolloutSummary])).toEqual([
      [threadId(1), "", row(1).rolloutSummary],
      [threadId(2), row(2).rawMemory, ""],
    ]);
  });

  test("of two times the older one", async () => {
    await using home = await seeded([row(1)]);
    await syncArtifacts(home.store, { codexHome: home.path });
    home.write("raw_memories.md", home.read("raw_memories.md").replace("updated_at: 2027", "updated_at: 2026"));
    expect(importArtifacts(home.path).outputs[0]?.sourceUpdatedAt).toBe(row(1).sourceUpdatedAt - 365 * 86_400);
  });

  test("files of others give no rows", async () => {
    await using home = await seeded([]);
    home.write("raw_memories.md", `# Raw Memories\n\n## Thread \`${threadId(1)}\`\nbytes: 1\n\nx\n\n`);
    home.write(`rollout_summaries/${threadId(1)}.md`, `thread_id: ${threadId(1)}\n\nx\n`);
    expect(artifactImporter(home.path).present()).toBe(false);
    expect(importArtifacts(home.path).outputs).toEqual([]);
  });
});

test("links are not followed, and a root that is a link is refused rather than taken as empty", async () => {
  await using home = await seeded([row(1)]);
  await syncArtifacts(home.store, { codexHome: home.path });
  await using other = await seeded([]);
  mkdirSync(other.at("rollout_summaries"), { recursive: true });
  const name = `rollout_summaries/${threadId(1)}.md`;
  symlinkSync(home.at(name), other.at(name));
  symlinkSync(home.at("raw_memories.md"), other.at("raw_memories.md"));
  expect(importArtifacts(other.path).outputs).toEqual([]);
  rmSync(other.root, { recursive: true });
  symlinkSync(home.root, other.root);
  expect(() => artifactImporter(other.path).present()).toThrow(/symbolic link/);
});

test("killed at any step, the import is done by whoever opens next", async () => {
  await using home = await seeded(VARIED);
  await syncArtifacts(home.store, { codexHome: home.path });
  const files = snapshot(home.root);
  await home.store.close();
  for (let step = 1; ; step++) {
    for (const suffix of ["", "-wal", "-shm"]) rmSync(home.home.databasePath + suffix, { force: true });
    const { killed } = await runChild(["import", home.path, String(step)]);
    expect(snapshot(home.root)).toEqual(files);
    const store = await home.home.open(artifactImporter(home.path));
    expect(await store.outputs.list()).toEqual(VARIED);
    await store.close();
    if (!killed) break;
    expect(step).toBeLessThan(6);
  }
});
