import { expect, test } from "bun:test";
import { syncArtifacts } from "#memories/write/artifacts/sync.ts";
import { pruneMemories } from "#memories/write/prune.ts";
import { T, threadId } from "../../state/home.ts";
import { row, seeded } from "./fixture.ts";
import { consolidate } from "./phase-two/consolidation.ts";

test("rows without a session file leave the files, and make the consolidation due; archived ones stay", async () => {
  await using home = await seeded([3, 2, 1].map((n) => row(n)));
  home.home.addRollout(threadId(1), { updatedAt: T });
  home.home.addRollout(threadId(2), { updatedAt: T, archived: true });
  await consolidate(home);
  expect(await pruneMemories(home.store, await home.store.threads.backfill())).toEqual([threadId(3)]);
  await syncArtifacts(home.store, { codexHome: home.path });
  expect([1, 2, 3].map((n) => home.exists(`rollout_summaries/${threadId(n)}.md`))).toEqual([true, true, false]);
  expect(home.read("raw_memories.md")).not.toContain(threadId(3));
  expect(await consolidate(home)).toEqual({ type: "published" });
  expect(home.read("MEMORY.md")).not.toContain("Keep answer 3");
});

test("what the index does not know for certain is kept", async () => {
  await using home = await seeded([row(1)]);
  expect(await pruneMemories(home.store, undefined)).toEqual([]);
  expect(await pruneMemories(home.store, { complete: false })).toEqual([]);
});

test("disabled and polluted sessions are forgotten even so", async () => {
  await using home = await seeded([2, 1].map((n) => row(n)));
  home.home.addRollout(threadId(1), { updatedAt: T, memoryMode: "polluted" });
  home.home.addRollout(threadId(2), { updatedAt: T });
  await home.store.threads.backfill();
  expect(await pruneMemories(home.store, undefined)).toEqual([threadId(1)]);
});

test("200 rows a start at most", async () => {
  await using home = await seeded(Array.from({ length: 230 }, (_, n) => row(n)));
  home.home.addRollout(threadId(900), { updatedAt: T });
  const report = await home.store.threads.backfill();
  expect((await pruneMemories(home.store, report)).length).toBe(200);
  expect((await pruneMemories(home.store, report)).length).toBe(30);
});
