import { describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { migrateLegacyMemory } from "#memories/write/migrate.ts";
import { memoryRequirement } from "../../compat/memory-cite.ts";
import { runChild, type SeededHome, seeded, snapshot } from "./fixture.ts";

const SOURCE: Readonly<Record<string, string>> = {
  "user/memory/MEMORY.md": "# Old\n\n- keep \xff me\n",
  "user/memory/memory_summary.md": "a summary\n",
  "user/memory/raw_memories/a.md": "raw\n",
  "user/memory/skills/deploy/SKILL.md": "---\nname: deploy\n---\n",
  "user/memory/skills/deploy/scripts/run.sh": "#!/bin/sh\n",
  "user/memory/notes/x.txt": "x\n",
};

const MOVED: Readonly<Record<string, string>> = {
  "MEMORY.md": "# Old\n\n- keep \xff me\n",
  "skills/deploy/SKILL.md": "---\nname: deploy\n---\n",
  "skills/deploy/scripts/run.sh": "#!/bin/sh\n",
  "notes/x.txt": "x\n",
};

/** A bucket of another old layout, which nobody may touch. */
const BUCKET = { "0123456789abcdef/memory/MEMORY.md": "bucket\n" };

function fill(home: SeededHome, files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) home.write(name, Buffer.from(content, "latin1"));
}

const migrate = (home: SeededHome) => migrateLegacyMemory(home.store, { codexHome: home.path });

memoryRequirement(["mem.3.3"], "the old folder is copied once; its source and hashed buckets stay", async () => {
  await using home = await seeded([]);
  fill(home, { ...SOURCE, ...BUCKET });
  expect(await migrate(home)).toBe("moved");
  expect(snapshot(home.root)).toEqual({ ...SOURCE, ...BUCKET, ...MOVED });
  expect(home.meta("legacy_migration")).toBe("done");
  rmSync(home.at("MEMORY.md"));
  rmSync(home.at("skills"), { recursive: true });
  expect(await migrate(home)).toBe("nothing_to_do");
  expect(home.exists("MEMORY.md")).toBe(false);
});

describe("the text that goes under Notes where there is no MEMORY.md", () => {
  test("memory_summary.md", async () => {
    await using home = await seeded([]);
    fill(home, { "user/memory/memory_summary.md": "## Told\n\ncaf\xe9", "user/memory/consolidated.md": "not this\n" });
    await migrate(home);
    expect(snapshot(home.root)["MEMORY.md"]).toBe("# Memory\n\n## Notes\n\n## Told\n\ncaf\xe9");
    expect(home.exists("memory_summary.md")).toBe(false);
    expect(home.read("consolidated.md")).toBe("not this\n");
  });

  test("consolidated.md", async () => {
    await using home = await seeded([]);
    fill(home, { "user/memory/consolidated.md": "this\n" });
    await migrate(home);
    expect(home.read("MEMORY.md")).toBe("# Memory\n\n## Notes\n\nthis\n");
  });
});

describe("nothing happens", () => {
  for (const name of [
    "rollout_summaries/x.md",
    "raw_memories.md",
    "MEMORY.md",
    "consolidated.md",
    "skills/a/SKILL.md",
  ]) {
    memoryRequirement(["mem.3.3"], `when the root holds ${name}`, async () => {
      await using home = await seeded([]);
      fill(home, { ...SOURCE, [name]: "here first\n" });
      expect(await migrate(home)).toBe("nothing_to_do");
      expect(snapshot(home.root)).toEqual({ ...SOURCE, [name]: "here first\n" });
    });
  }

  test("when there is no old folder, or a link in its place", async () => {
    await using home = await seeded([]);
    expect(await migrate(home)).toBe("nothing_to_do");
    mkdirSync(join(home.path, "elsewhere", "memory"), { recursive: true });
    mkdirSync(home.root);
    symlinkSync(join(home.path, "elsewhere"), home.at("user"));
    expect(await migrate(home)).toBe("nothing_to_do");
    expect(home.meta("legacy_migration")).toBe("none");
  });
});

memoryRequirement(["mem.3.3"], "a memory_summary.md alone in the root does not keep it from being filled", async () => {
  await using home = await seeded([]);
  fill(home, { ...SOURCE, "memory_summary.md": "lone\n" });
  expect(await migrate(home)).toBe("moved");
  expect(home.read("memory_summary.md")).toBe("lone\n");
});

test("links in the old folder are left out, a root that is a link is refused", async () => {
  await using home = await seeded([]);
  fill(home, { ...SOURCE, "secret.txt": "secret" });
  symlinkSync(home.at("secret.txt"), home.at("user/memory/leak.md"));
  symlinkSync("/etc", home.at("user/memory/skills/etc"));
  await migrate(home);
  expect(snapshot(home.root)).toEqual({
    ...SOURCE,
    "secret.txt": "secret",
    "user/memory/leak.md": "(link)",
    "user/memory/skills/etc": "(link)",
    ...MOVED,
  });
  await using other = await seeded([]);
  symlinkSync(home.root, other.root);
  await expect(migrate(other)).rejects.toThrow(/symbolic link/);
});

test("a late process does nothing, not even over what was done since", async () => {
  await using home = await seeded([]);
  fill(home, SOURCE);
  const late = migrateLegacyMemory(home.store, {
    codexHome: home.path,
    onStep: (_, next) => {
      if (next !== "move into place" || home.meta("legacy_migration") === "done") return;
      home.sql("UPDATE memory_meta SET value = 'done' WHERE key = 'legacy_migration'");
      home.write("MEMORY.md", "published since\n");
    },
  });
  expect(await late).toBe("nothing_to_do");
  expect(home.read("MEMORY.md")).toBe("published since\n");
  expect(home.exists("skills")).toBe(false);
});

test("killed at any step, it is finished at the next start, whatever the root holds, and an edit stays", async () => {
  for (let step = 1, killed = true; killed; step++) {
    await using home = await seeded([]);
    fill(home, { ...SOURCE, ...BUCKET });
    killed = (await runChild(["migrate", home.path, String(step)])).killed;
    const edited = home.exists("MEMORY.md");
    if (edited) home.write("MEMORY.md", "edited\n");
    expect(await migrate(home)).toBe(killed ? "moved" : "nothing_to_do");
    expect(await migrate(home)).toBe("nothing_to_do");
    expect(snapshot(home.root)).toEqual({ ...SOURCE, ...BUCKET, ...MOVED, ...(edited && { "MEMORY.md": "edited\n" }) });
    expect(step).toBeLessThan(20);
  }
});
