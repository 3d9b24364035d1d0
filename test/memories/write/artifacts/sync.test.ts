import { describe, expect, test } from "bun:test";
import { mkdirSync, renameSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { syncArtifacts } from "#memories/write/artifacts/sync.ts";
import { memoryRequirement } from "../../../compat/memory-cite.ts";
import { threadId } from "../../../state/home.ts";
import { expectedArtifacts, row, runChild, seeded, snapshot } from "../fixture.ts";

const ROWS = [3, 2, 1].map((n) => row(n));

memoryRequirement(
  ["mem.2.5", "mem.3.1"],
  "rows become files, newest first, and the same again at any time",
  async () => {
    await using home = await seeded(ROWS);
    expect(await syncArtifacts(home.store, { codexHome: home.path })).toEqual({ written: 4, removed: 0, foreign: [] });
    const files = snapshot(home.root);
    expect(files).toEqual(expectedArtifacts(ROWS, home.path));
    home.write("raw_memories.md", files["raw_memories.md"]?.replace("## Thread", "## Thraed") ?? "");
    home.sql("UPDATE memory_meta SET value = 0 WHERE key = 'synced_generation'");
    expect(await syncArtifacts(home.store, { codexHome: home.path })).toEqual({ written: 1, removed: 0, foreign: [] });
    expect(snapshot(home.root)).toEqual(files);
  },
);

test("nothing is touched while the generation says that nothing changed, unless all is to be compared", async () => {
  await using home = await seeded(ROWS);
  await syncArtifacts(home.store, { codexHome: home.path });
  home.write("raw_memories.md", "");
  expect(await syncArtifacts(home.store, { codexHome: home.path })).toEqual({ written: 0, removed: 0, foreign: [] });
  expect(home.read("raw_memories.md")).toBe("");
  expect(await syncArtifacts(home.store, { codexHome: home.path, compareAll: true })).toMatchObject({ written: 1 });
});

test("equal files are never written again", async () => {
  await using home = await seeded(ROWS);
  await syncArtifacts(home.store, { codexHome: home.path });
  const before = statSync(home.at("raw_memories.md"));
  const steps: string[] = [];
  await syncArtifacts(home.store, { codexHome: home.path, compareAll: true, onStep: (_, next) => steps.push(next) });
  const after = statSync(home.at("raw_memories.md"));
  expect(steps).toEqual(["commit"]);
  expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
});

memoryRequirement(["mem.2.6"], "files of dropped rows go; those of others stay, whatever their name", async () => {
  await using home = await seeded(ROWS);
  await syncArtifacts(home.store, { codexHome: home.path });
  home.write(`rollout_summaries/${threadId(9)}.md`, "# mine\n");
  home.write("rollout_summaries/notes.md", "mine too\n");
  home.write("raw_memories/old.md", "legacy\n");
  home.sql(`DELETE FROM stage_one_outputs WHERE thread_id = '${threadId(2)}'`);
  expect(await syncArtifacts(home.store, { codexHome: home.path })).toEqual({ written: 1, removed: 1, foreign: [] });
  expect(snapshot(home.root)).toEqual({
    ...expectedArtifacts([row(3), row(1)], home.path),
    [`rollout_summaries/${threadId(9)}.md`]: "# mine\n",
    "rollout_summaries/notes.md": "mine too\n",
    "raw_memories/old.md": "legacy\n",
  });
});

test("a file in the way that is not ours is left and reported", async () => {
  await using home = await seeded(ROWS);
  home.write("raw_memories.md", "# Raw Memories\n\nby another program\n");
  home.write(`rollout_summaries/${threadId(1)}.md`, "hello\n");
  mkdirSync(home.at(`rollout_summaries/${threadId(3)}.md`));
  symlinkSync("/etc/hostname", home.at(`rollout_summaries/${threadId(2)}.md`));
  const report = await syncArtifacts(home.store, { codexHome: home.path });
  expect(report.foreign.toSorted()).toEqual(
    ["raw_memories.md", ...[1, 2, 3].map((n) => `rollout_summaries/${threadId(n)}.md`)].toSorted(),
  );
  expect(home.read("raw_memories.md")).toBe("# Raw Memories\n\nby another program\n");
  expect(home.read(`rollout_summaries/${threadId(1)}.md`)).toBe("hello\n");
});

test("what a dead writer left is removed, other hidden files are not", async () => {
  await using home = await seeded(ROWS);
  home.write(`rollout_summaries/.${threadId(1)}.md.0123456789ab.tmp`, "half");
  home.write(".raw_memories.md.0123456789ab.tmp", "half");
  home.write(".something.0123456789ab.tmp", "not ours");
  await syncArtifacts(home.store, { codexHome: home.path });
  expect(snapshot(home.root)).toEqual({
    ...expectedArtifacts(ROWS, home.path),
    ".something.0123456789ab.tmp": "not ours",
  });
});

describe("a root that is no folder is refused", () => {
  test("a link", async () => {
    await using home = await seeded(ROWS);
    mkdirSync(join(home.path, "elsewhere"));
    symlinkSync("elsewhere", home.root);
    await expect(syncArtifacts(home.store, { codexHome: home.path })).rejects.toThrow(/symbolic link/);
    expect(snapshot(join(home.path, "elsewhere"))).toEqual({});
  });

  test("a file", async () => {
    await using home = await seeded(ROWS);
    writeFileSync(home.root, "x");
    await expect(syncArtifacts(home.store, { codexHome: home.path })).rejects.toThrow(/not a folder/);
  });

  test("a summaries folder that is a link", async () => {
    await using home = await seeded(ROWS);
    mkdirSync(join(home.path, "elsewhere"));
    mkdirSync(home.root);
    symlinkSync("../elsewhere", home.at("rollout_summaries"));
    await expect(syncArtifacts(home.store, { codexHome: home.path })).rejects.toThrow(/symbolic link/);
    expect(snapshot(join(home.path, "elsewhere"))).toEqual({});
    expect(home.meta("synced_generation")).toBe("0");
  });
});

test("killed before any step, files are whole, and the next sync makes them right", async () => {
  await using home = await seeded(ROWS);
  const before = expectedArtifacts([row(3), row(2, { rolloutSummary: "old" }), row(4)], home.path);
  const wanted = expectedArtifacts(ROWS, home.path);
  const allowed = new Set([...Object.values(before), ...Object.values(wanted)]);
  let step = 0;
  let killed = true;
  while (killed) {
    if (step > 0) renameSync(home.root, join(home.path, `round-${step}`));
    home.sql("UPDATE memory_meta SET value = 0 WHERE key = 'synced_generation'");
    for (const [name, content] of Object.entries(before)) home.write(name, Buffer.from(content, "latin1"));
    killed = (await runChild(["sync", home.path, String(++step)])).killed;
    for (const [name, content] of Object.entries(snapshot(home.root)))
      if (!name.endsWith(".tmp")) expect(allowed.has(content)).toBe(true);
    if (killed) await syncArtifacts(home.store, { codexHome: home.path });
    expect(snapshot(home.root)).toEqual(wanted);
  }
  // Two of three summaries and the list written and renamed, one file removed, the commit.
  expect(step - 1).toBe(8);
});
