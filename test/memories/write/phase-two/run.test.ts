import { describe, expect, test } from "bun:test";
import { mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { syncArtifacts } from "#memories/write/artifacts/sync.ts";
import { memoryRequirement } from "../../../compat/memory-cite.ts";
import { T, threadId } from "../../../state/home.ts";
import { expectedArtifacts, row, runChild, seeded, snapshot } from "../fixture.ts";
import { consolidate, makeDue, skillWriter } from "./consolidation.ts";

const ROWS = [2, 1].map((n) => row(n));

test("rows become MEMORY.md, once", async () => {
  await using home = await seeded(ROWS);
  expect(await consolidate(home)).toEqual({ type: "published" });
  const { "MEMORY.md": memory, ".published.json": record, ...artifacts } = snapshot(home.root);
  expect(artifacts).toEqual(expectedArtifacts(ROWS, home.path));
  expect(memory).toContain(`- Preference: Keep answer 2 short [${threadId(2)}]`);
  expect(JSON.parse(record ?? "").token).toBe(home.meta("published_token"));
  expect(await consolidate(home)).toEqual({ type: "skipped", why: { type: "not_due" } });
});

test("the same set again is done without a change of any byte", async () => {
  await using home = await seeded(ROWS);
  await consolidate(home);
  const before = snapshot(home.root);
  await home.store.phaseTwo.enqueue();
  expect(await consolidate(home)).toEqual({ type: "unchanged" });
  expect(snapshot(home.root)).toEqual(before);
});

memoryRequirement(["mem.4.7"], "without input the job is done and not due, and what was generated goes", async () => {
  await using home = await seeded(ROWS);
  await consolidate(home);
  home.write("MEMORY.md", `${home.read("MEMORY.md")}\n## Notes\n\nmine\n`);
  home.sql("DELETE FROM stage_one_outputs");
  expect(await consolidate(home)).toEqual({ type: "published" });
  expect(home.read("MEMORY.md")).toBe("# Memory\n\n## Notes\n\nmine\n");
  expect(await home.store.phaseTwo.isDue({ now: T })).toBe(false);
  expect(home.read("raw_memories.md")).toEndWith("No raw memories yet.\n");
});

test("a MEMORY.md left empty is removed, and stays away", async () => {
  await using home = await seeded(ROWS);
  await consolidate(home);
  home.sql("DELETE FROM stage_one_outputs");
  expect(await consolidate(home)).toEqual({ type: "published" });
  expect(home.exists("MEMORY.md")).toBe(false);
  expect(await consolidate(home)).toMatchObject({ type: "skipped" });
});

test("a MEMORY.md that is gone is written again; an edit alone starts nothing", async () => {
  await using home = await seeded(ROWS);
  await consolidate(home);
  const memory = home.read("MEMORY.md");
  rmSync(home.at("MEMORY.md"));
  expect(await consolidate(home)).toEqual({ type: "published" });
  expect(home.read("MEMORY.md")).toBe(memory);
  home.write("MEMORY.md", "# Memory\n\nedited\n");
  expect(await consolidate(home)).toMatchObject({ type: "skipped" });
});

test("only as many rows as asked for are merged, used most first; the files hold all", async () => {
  await using home = await seeded([row(3), row(2), row(1, { usageCount: 1, lastUsage: T })]);
  await consolidate(home, { maxInputs: 2 });
  const memory = home.read("MEMORY.md");
  expect([1, 2, 3].map((n) => memory.includes(`answer ${n} `))).toEqual([true, false, true]);
  expect(home.exists(`rollout_summaries/${threadId(2)}.md`)).toBe(true);
});

test("what arrives meanwhile is merged in another round, three at most", async () => {
  await using home = await seeded(ROWS);
  let rounds = 0;
  const outcome = await consolidate(home, {
    onStep: (_, next) => {
      if (next !== "consolidate") return;
      rounds++;
      home.sql(
        `UPDATE stage_one_outputs SET raw_memory = '- round ${rounds}', source_updated_at = source_updated_at + 1`,
      );
    },
  });
  expect(outcome).toEqual({ type: "published" });
  expect(rounds).toBe(3);
  expect(home.read("MEMORY.md")).toContain("round 2");
  expect(await home.store.phaseTwo.isDue({ now: T })).toBe(true);
});

describe("one at a time", () => {
  memoryRequirement(["mem.4.1"], "of several processes at once one consolidates", async () => {
    await using home = await seeded(ROWS);
    const children = await Promise.all([1, 2, 3].map(() => runChild(["consolidate", home.path, "0"])));
    const outcomes = children.map(({ stdout }) => JSON.parse(stdout).type as string);
    expect(outcomes.toSorted()).toEqual(["published", "skipped", "skipped"]);
  });

  memoryRequirement(
    ["mem.4.3"],
    "whose lease is taken over writes nothing and leaves the new owner's row",
    async () => {
      await using home = await seeded(ROWS);
      let taken: unknown;
      const outcome = await consolidate(home, {
        onStep: (_, next) => {
          if (next !== "publish and finish") return;
          home.sql(
            `UPDATE jobs SET ownership_token = 'other', worker_id = 'other' WHERE kind = 'memory_consolidate_global'`,
          );
          taken = home.meta("published_token");
        },
      });
      expect(outcome).toEqual({ type: "lost" });
      expect(home.exists("MEMORY.md")).toBe(false);
      expect(home.meta("published_token")).toBe(String(taken));
      expect(await home.store.phaseTwo.status({ now: T })).toMatchObject({ state: "running", worker: "other" });
    },
  );

  test("a lease that has ended at publishing is lost", async () => {
    await using home = await seeded(ROWS);
    let now = T;
    const onStep = (_: number, next: string) => {
      if (next === "write what is to be published") now = T + 3600;
    };
    expect(await consolidate(home, { now: () => now, onStep })).toEqual({ type: "lost" });
    expect(home.exists("MEMORY.md")).toBe(false);
    expect(await consolidate(home, { now: () => now })).toEqual({ type: "published" });
  });
});

describe("edits by hand", () => {
  test("one made before any step survives, and the consolidation comes to an end all the same", async () => {
    const steps: string[] = [];
    await using count = await seeded(ROWS);
    await consolidate(count, { onStep: (_, next) => steps.push(next) });
    expect(steps.length).toBeGreaterThan(8);
    for (let at = 1; at <= steps.length; at++) {
      await using home = await seeded(ROWS);
      home.write("MEMORY.md", "# Memory\n\n## Notes\n\nfirst\n");
      await consolidate(home, {
        onStep: (step) => {
          if (step === at) home.write("MEMORY.md", `${home.read("MEMORY.md")}edited at ${at}\n`);
        },
      });
      expect(home.read("MEMORY.md")).toContain(`edited at ${at}\n`);
      makeDue(home);
      await consolidate(home, { now: () => T + 100 });
      expect(home.read("MEMORY.md")).toContain(`first\nedited at ${at}\n`);
      expect(home.read("MEMORY.md")).toContain("Keep answer 2");
    }
  });

  test("one made while it runs gives the job back for a minute; the third time in a row it has failed", async () => {
    await using home = await seeded(ROWS);
    let edits = 0;
    const onStep = (_: number, next: string) => {
      if (next === "publish and finish") home.write("MEMORY.md", `edit ${++edits}\n`);
    };
    expect(await consolidate(home, { onStep })).toEqual({ type: "discarded", retryAt: T + 60 });
    expect(await consolidate(home, { onStep })).toMatchObject({ type: "skipped", why: { type: "backing_off" } });
    expect(await consolidate(home, { onStep, now: () => T + 60 })).toEqual({ type: "discarded", retryAt: T + 120 });
    expect(await consolidate(home, { onStep, now: () => T + 120 })).toMatchObject({
      type: "failed",
      retryAt: T + 3720,
    });
    expect(home.read("MEMORY.md")).toBe("edit 3\n");
  });
});

test("aborted, it gives the job back and leaves nothing behind", async () => {
  await using home = await seeded(ROWS);
  const controller = new AbortController();
  const onStep = (_: number, next: string) => {
    if (next === "consolidate") controller.abort();
  };
  expect(await consolidate(home, { signal: controller.signal, onStep })).toEqual({ type: "interrupted" });
  expect(await home.store.phaseTwo.status({ now: T })).toMatchObject({ state: "pending" });
  expect(Object.keys(snapshot(home.root)).filter((name) => !/^r/.test(name))).toEqual([]);
  expect(await consolidate(home)).toEqual({ type: "published" });
});

test("what a dead owner left in the staging folder is removed, what others keep there is not", async () => {
  await using home = await seeded(ROWS);
  home.write(".staging/consolidate-old/MEMORY.md", "half");
  home.write(".staging/migrate-other/MEMORY.md", "theirs");
  expect(await consolidate(home)).toEqual({ type: "published" });
  expect(Object.keys(snapshot(home.at(".staging")))).toEqual(["migrate-other/MEMORY.md"]);
});

test("a damaged record counts as none: the user's text stays", async () => {
  await using home = await seeded(ROWS);
  await consolidate(home);
  home.write("MEMORY.md", `${home.read("MEMORY.md")}\n## Notes\n\nmine\n`);
  for (const record of ["", "{", "[]", '{"version":1,"token":"x"}', "\u0000"]) {
    home.write(".published.json", record);
    makeDue(home);
    expect(await consolidate(home)).toEqual({ type: "published" });
    expect(home.read("MEMORY.md")).toEndWith("\n## Notes\n\nmine\n");
    expect(home.read("MEMORY.md").match(/answer 2 /g)?.length).toBe(1);
  }
});

describe("roots it does not write to", () => {
  test("a link", async () => {
    await using home = await seeded(ROWS);
    mkdirSync(join(home.path, "elsewhere"));
    symlinkSync("elsewhere", home.root);
    expect(await consolidate(home)).toMatchObject({ type: "failed", error: expect.stringContaining("symbolic link") });
    expect(snapshot(join(home.path, "elsewhere"))).toEqual({});
  });

  test("a link put in its place when all files were in order, before it begins and in the middle", async () => {
    for (const at of ["claim", "publish and finish"]) {
      await using home = await seeded(ROWS);
      await consolidate(home);
      makeDue(home);
      home.sql("UPDATE stage_one_outputs SET raw_memory = '- changed'");
      await syncArtifacts(home.store, { codexHome: home.path });
      const elsewhere = join(home.path, "elsewhere");
      const before = snapshot(home.root);
      const onStep = (_: number, next: string) => {
        if (next !== at) return;
        renameSync(home.root, elsewhere);
        symlinkSync("elsewhere", home.root);
      };
      expect(await consolidate(home, { onStep })).toMatchObject({ type: "failed" });
      const after = Object.entries(snapshot(elsewhere)).filter(([name]) => !name.startsWith(".staging/"));
      expect(Object.fromEntries(after)).toEqual(before);
    }
  });

  for (const name of ["MEMORY.md", "skills", ".staging"]) {
    test(`a ${name} that is a link`, async () => {
      await using home = await seeded(ROWS);
      mkdirSync(join(home.path, "elsewhere"));
      mkdirSync(home.root);
      symlinkSync("../elsewhere", home.at(name));
      expect(await consolidate(home)).toMatchObject({
        type: "failed",
        error: expect.stringContaining("symbolic link"),
      });
      expect(snapshot(join(home.path, "elsewhere"))).toEqual({});
    });
  }
});

test("killed before any step, every file is whole, and the next owner brings it to the same end", async () => {
  await using reference = await seeded(ROWS);
  await consolidate(reference);
  const wanted = snapshot(reference.root);
  for (let step = 1, killed = true; killed; step++) {
    await using home = await seeded(ROWS);
    const edited = "# Memory\n\n## Notes\n\nmine\n";
    home.write("MEMORY.md", edited);
    killed = (await runChild(["consolidate", home.path, String(step)])).killed;
    const merged = `${wanted["MEMORY.md"]}\n## Notes\n\nmine\n`;
    expect([edited, merged]).toContain(home.read("MEMORY.md"));
    if (home.exists(".published.json")) JSON.parse(home.read(".published.json"));
    if (killed && home.meta("consolidated_generation") === "0")
      expect(await consolidate(home, { now: () => T + 3600 })).toEqual({ type: "published" });
    const { "MEMORY.md": memory, ".published.json": record, ...artifacts } = snapshot(home.root);
    expect(memory).toBe(merged);
    expect(JSON.parse(record ?? "").token).toBe(home.meta("published_token"));
    const { "MEMORY.md": _memory, ".published.json": _record, ...wantedArtifacts } = wanted;
    if (killed) for (const name of Object.keys(artifacts)) if (name.startsWith(".staging/")) delete artifacts[name];
    expect(artifacts).toEqual(wantedArtifacts);
    expect(step).toBeLessThan(30);
  }
});

test("killed while a model's skills are put in place, each file is the old or the new one, and the end is the same", async () => {
  await using first = await seeded(ROWS);
  await consolidate(first, { consolidator: skillWriter("first") });
  const { ".published.json": _first, ...before } = snapshot(first.root);
  makeDue(first);
  await consolidate(first, { consolidator: skillWriter("second") });
  const { ".published.json": _second, ...wanted } = snapshot(first.root);
  expect(Object.keys(wanted)).toContain("skills/second/SKILL.md");
  expect(Object.keys(wanted)).not.toContain("skills/first/SKILL.md");
  for (let step = 1, killed = true; killed; step++) {
    await using home = await seeded(ROWS);
    await consolidate(home, { consolidator: skillWriter("first") });
    makeDue(home);
    killed = (await runChild(["model", home.path, String(step)])).killed;
    for (const [name, content] of Object.entries(snapshot(home.root)))
      if (!name.startsWith(".")) expect([before[name], wanted[name]]).toContain(content);
    const consolidator = skillWriter("second");
    if (killed)
      expect(await consolidate(home, { consolidator, now: () => T + 3600 })).not.toMatchObject({ type: "failed" });
    const { ".published.json": record, ...after } = snapshot(home.root);
    const rest = Object.entries(after).filter(([name]) => !name.startsWith(".staging/"));
    expect(Object.fromEntries(rest)).toEqual(wanted);
    expect(JSON.parse(record ?? "").token).toBe(home.meta("published_token"));
    expect(step).toBeLessThan(30);
  }
});
