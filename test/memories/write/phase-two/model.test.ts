import { describe, expect, test } from "bun:test";
import { linkSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import prompt from "#memories/prompts/consolidation.md" with { type: "text" };
import { type Published, parsePublished, printPublished } from "#memories/write/phase-two/published.ts";
import { memoryRequirement } from "../../../compat/memory-cite.ts";
import { T, threadId } from "../../../state/home.ts";
import { row, seeded, snapshot } from "../fixture.ts";
import { type AgentFolder, consolidate, makeDue, model } from "./consolidation.ts";

const ROWS = [2, 1].map((n) => row(n));
const GOOD = `# Memory\n\n## Summary\n\n- one project [${threadId(2)}]\n\n## Project: /work/app\n\n- by the model [${threadId(1)}]\n`;
const SKILL = "---\nname: deploy\ndescription: how to deploy\n---\n\nsteps\n";

memoryRequirement(["mem.2.7"], "the prompt names the folders it is to read", () => {
  for (const name of ["rollout_summaries/", "raw_memories.md", "MEMORY.md", "skills/"]) expect(prompt).toContain(name);
});

memoryRequirement(
  ["mem.4.8"],
  "the model works in a staging folder that holds copies, and its result is published",
  async () => {
    await using home = await seeded(ROWS);
    let seen: Record<string, string> = {};
    const consolidator = model(({ request, write }) => {
      expect(request.folder).toStartWith(home.at(".staging/consolidate-"));
      expect(request.prompt).toBe(prompt);
      expect(Object.values(request.bounds).every((bound) => bound > 0)).toBe(true);
      seen = snapshot(request.folder);
      write("MEMORY.md", GOOD);
      write("skills/deploy/SKILL.md", SKILL);
      return undefined;
    });
    expect(await consolidate(home, { consolidator })).toEqual({ type: "published" });
    const {
      "MEMORY.md": memory,
      ".published.json": record,
      "skills/deploy/SKILL.md": skill,
      ...artifacts
    } = snapshot(home.root);
    expect(seen).toEqual(artifacts);
    expect([memory, skill]).toEqual([GOOD, SKILL]);
    const after = parsePublished(record ?? null)?.after;
    expect(after?.items.map(({ by, rows }) => [by, Object.keys(rows)])).toEqual([
      ["model:gpt-test", [threadId(2)]],
      ["model:gpt-test", [threadId(1)]],
    ]);
    expect(after?.skills).toMatchObject([
      { path: "skills/deploy/SKILL.md", by: "model:gpt-test", providers: ["openai"] },
    ]);
  },
);

test("a model that changes nothing where a MEMORY.md exists has succeeded; where none does it has failed", async () => {
  await using home = await seeded(ROWS);
  const idle = model(() => undefined);
  expect(await consolidate(home, { consolidator: idle })).toMatchObject({ type: "failed", published: true });
  expect(home.read("MEMORY.md")).toContain("Keep answer 2");
  makeDue(home);
  expect(await consolidate(home, { consolidator: idle })).toMatchObject({ type: "unchanged" });
});

test("after a failed run without a MEMORY.md the built-in result stands in, and the model is tried again", async () => {
  await using home = await seeded(ROWS);
  const failing = model(() => ({ status: "failed", error: "no answer" }));
  expect(await consolidate(home, { consolidator: failing })).toEqual({
    type: "failed",
    error: "no answer",
    retryAt: T + 3600,
    published: true,
  });
  const stand = home.read("MEMORY.md");
  expect(stand).toContain("Keep answer 2");
  expect(home.meta("consolidated_generation")).toBe("0");
  expect(await consolidate(home, { consolidator: failing })).toMatchObject({ type: "skipped" });
  expect(await consolidate(home, { consolidator: failing, now: () => T + 3600 })).toMatchObject({ published: false });
  expect(home.read("MEMORY.md")).toBe(stand);
  const good = model(({ write }) => void write("MEMORY.md", GOOD));
  expect(await consolidate(home, { consolidator: good, now: () => T + 7200 })).toEqual({ type: "published" });
  expect(home.read("MEMORY.md")).toBe(GOOD);
});

describe("what is thrown away wholly", () => {
  const before = `# Memory\n\nintro\n\n## Preferences\n\nmy own words\n- my own item [${threadId(1)}]\n\n## Mine\n\nx\n\n## Notes\n\nnote\n`;
  const record: Published = { version: 1, token: "", before: EMPTY(), after: EMPTY(), deleted: [] };
  const cases: Record<string, (folder: AgentFolder, outside: string) => void> = {
    "another file": ({ write }) => write("plan.md", "x"),
    "a change of an input": ({ write }) => write("raw_memories.md", "x"),
    "a file right below skills": ({ write }) => write("skills/x.md", "x"),
    "a link for MEMORY.md": ({ request }) => {
      rmSync(join(request.folder, "MEMORY.md"));
      symlinkSync("/etc/hostname", join(request.folder, "MEMORY.md"));
    },
    "a hard link below skills": ({ request, write }, outside) => {
      write("skills/a/SKILL.md", SKILL);
      linkSync(outside, join(request.folder, "skills/a/extra"));
    },
    "no MEMORY.md": ({ request }) => rmSync(join(request.folder, "MEMORY.md")),
    "another title": ({ write, read }) => write("MEMORY.md", read("MEMORY.md").replace("# Memory", "# Memories")),
    "a changed word of the user's": ({ write, read }) =>
      write("MEMORY.md", read("MEMORY.md").replace("own words", "words")),
    "a changed item of the user's": ({ write, read }) =>
      write("MEMORY.md", read("MEMORY.md").replace("own item", "item")),
    "a changed note": ({ write, read }) => write("MEMORY.md", read("MEMORY.md").replace("note\n", "note \n")),
    "a note of its own": ({ write, read }) => write("MEMORY.md", `${read("MEMORY.md")}- more [${threadId(1)}]\n`),
    "an entry without a citation": entry("- said by nobody"),
    "prose between entries": entry("Some words."),
    "an unknown thread": entry(`- x [${threadId(77)}]`),
    "an unknown thread within the text": entry(`- x [${threadId(77)}] y [${threadId(1)}]`),
    "a secret": entry(`- token ghp_${"a1B2".repeat(9)} [${threadId(1)}]`),
    "bytes that are no UTF-8": entry(`- x \xff [${threadId(1)}]`),
    "too many entries": entry(
      Array.from({ length: 3000 }, (_, n) => `- ${n} ${"x".repeat(80)} [${threadId(1)}]`).join("\n"),
    ),
    "a section out of order": ({ write, read }) =>
      write("MEMORY.md", read("MEMORY.md").replace("## Mine", `## Summary\n\n- x [${threadId(1)}]\n\n## Mine`)),
    "a skill without front matter": ({ write }) => write("skills/a/SKILL.md", "steps\n"),
    "a skill without SKILL.md": ({ write }) => write("skills/a/run.sh", "true\n"),
    "a skill with a secret": ({ write }) => write("skills/a/SKILL.md", `${SKILL}ghp_${"a1B2".repeat(9)}\n`),
    "a skill that is too large": ({ write }) => write("skills/a/SKILL.md", SKILL + "x".repeat(65_536)),
    "a change of the user's skill": ({ write }) => write("skills/mine/SKILL.md", `${SKILL}more\n`),
    "removal of the user's skill": ({ request }) => rmSync(join(request.folder, "skills/mine/SKILL.md")),
  };
  for (const [name, spoil] of Object.entries(cases)) {
    test(name, async () => {
      await using home = await seeded(ROWS);
      home.write("MEMORY.md", before);
      home.write(".published.json", printPublished(record));
      home.write("skills/mine/SKILL.md", SKILL);
      const outside = home.home.addRollout(threadId(50), { updatedAt: T });
      const consolidator = model((folder) => void spoil(folder, outside));
      const outcome = await consolidate(home, { consolidator });
      expect(outcome).toMatchObject({ type: "failed", published: false, retryAt: T + 3600 });
      expect(outcome).toMatchObject({ error: expect.stringContaining("the model's result was refused") });
      const files = snapshot(home.root);
      expect([files["MEMORY.md"], files["skills/mine/SKILL.md"]]).toEqual([before, SKILL]);
      expect(Object.keys(files).filter((path) => path.startsWith("skills/") || path.startsWith(".staging"))).toEqual([
        "skills/mine/SKILL.md",
      ]);
    });
  }

  test("but not a sound entry beside the user's text", async () => {
    await using home = await seeded(ROWS);
    home.write("MEMORY.md", before);
    home.write(".published.json", printPublished(record));
    const consolidator = model((folder) => void entry(`- sound [${threadId(1)}:3]`)(folder));
    expect(await consolidate(home, { consolidator })).toEqual({ type: "published" });
    const memory = home.read("MEMORY.md");
    expect(memory).toContain(`- sound [${threadId(1)}:3]\n`);
    for (const text of [
      "# Memory\n\nintro\n",
      `my own words\n- my own item [${threadId(1)}]\n`,
      "## Mine\n\nx\n\n## Notes\n\nnote\n",
    ])
      expect(memory).toContain(text);
  });
});

function EMPTY() {
  return { memory: null, items: [], skills: [] };
}

/** Adds lines to the Preferences section. */
function entry(line: string): (folder: AgentFolder) => void {
  return ({ read, write }) =>
    write(
      "MEMORY.md",
      Buffer.from(read("MEMORY.md").replace("## Preferences\n", `## Preferences\n\n${line}\n`), "latin1"),
    );
}

describe("a model sees only what came from its own provider", () => {
  const MIXED = [row(3, { provider: "other", project: "/work/secret", rawMemory: "- hush three" }), ...ROWS];

  test("other rows, entries and skills are not in its folder and come back unchanged", async () => {
    await using home = await seeded(MIXED);
    await consolidate(home, {
      consolidator: model(
        ({ write }) => {
          write("MEMORY.md", `# Memory\n\n## Project: /work/secret\n\n- hush item [${threadId(3)}]\n`);
          write("skills/hush/SKILL.md", SKILL);
        },
        { provider: "other" },
      ),
    });
    expect(home.read("MEMORY.md")).toContain("hush item");
    home.write("MEMORY.md", `${home.read("MEMORY.md")}\n## Notes\n\nnote\n`);
    makeDue(home);
    let seen = "";
    const consolidator = model(({ request, write }) => {
      seen = JSON.stringify(snapshot(request.folder));
      write("MEMORY.md", `${GOOD}\n## Notes\n\nnote\n`);
    });
    expect(await consolidate(home, { consolidator })).toEqual({ type: "published" });
    expect(seen).not.toContain("hush");
    expect(seen).not.toContain(threadId(3));
    expect(seen).toContain("note");
    const memory = home.read("MEMORY.md");
    for (const text of [`- hush item [${threadId(3)}]`, `- by the model [${threadId(1)}]`, "## Notes\n\nnote\n"])
      expect(memory).toContain(text);
    expect(memory).not.toContain("Keep answer");
    expect(home.read("skills/hush/SKILL.md")).toBe(SKILL);
  });

  test("hidden rows are merged without it", async () => {
    await using home = await seeded(MIXED);
    expect(await consolidate(home, { consolidator: model(({ write }) => void write("MEMORY.md", GOOD)) })).toEqual({
      type: "published",
    });
    const memory = home.read("MEMORY.md");
    expect(memory).toContain(`- hush three [${threadId(3)}]`);
    expect(memory).toContain("by the model");
    expect(memory).not.toContain("Keep answer");
  });

  test("naming the provider lifts this", async () => {
    await using home = await seeded(MIXED);
    const consolidator = model(
      ({ read, write }) => {
        expect(read("raw_memories.md")).toContain("hush three");
        write("MEMORY.md", GOOD);
      },
      { seesAll: true },
    );
    expect(await consolidate(home, { consolidator })).toEqual({ type: "published" });
    expect(home.read("MEMORY.md")).toBe(GOOD);
  });

  memoryRequirement(["mem.4.7"], "without a row it may see, or without any, it is not asked", async () => {
    for (const rows of [[row(3, { provider: "other" })], []]) {
      await using home = await seeded(rows);
      const consolidator = model(() => {
        throw new Error("asked");
      });
      expect(await consolidate(home, { consolidator })).not.toMatchObject({ type: "failed" });
      expect(await home.store.phaseTwo.isDue({ now: T })).toBe(false);
    }
  });

  test("a skill it cannot see is not overwritten", async () => {
    await using home = await seeded(MIXED);
    await consolidate(home, {
      consolidator: model(
        ({ write }) => {
          write("MEMORY.md", `# Memory\n\n## Summary\n\n- x [${threadId(3)}]\n`);
          write("skills/deploy/SKILL.md", SKILL);
        },
        { provider: "other" },
      ),
    });
    makeDue(home);
    const consolidator = model(({ has, write }) => {
      expect(has("skills/deploy/SKILL.md")).toBe(false);
      write("skills/deploy/SKILL.md", `${SKILL}mine\n`);
    });
    expect(await consolidate(home, { consolidator })).toMatchObject({ type: "failed" });
    expect(home.read("skills/deploy/SKILL.md")).toBe(SKILL);
  });
});

test("generated skills may change and go; an edited one is the user's", async () => {
  await using home = await seeded(ROWS);
  const write = (text: string | null) =>
    model(({ request, write: put }) => {
      put("MEMORY.md", GOOD);
      if (text === null) rmSync(join(request.folder, "skills"), { recursive: true });
      else put("skills/deploy/SKILL.md", text);
    });
  await consolidate(home, { consolidator: write(SKILL) });
  makeDue(home);
  expect(await consolidate(home, { consolidator: write(`${SKILL}v2\n`) })).toEqual({ type: "published" });
  expect(home.read("skills/deploy/SKILL.md")).toBe(`${SKILL}v2\n`);
  makeDue(home);
  expect(await consolidate(home, { consolidator: write(null) })).toEqual({ type: "published" });
  expect(home.exists("skills/deploy")).toBe(false);
  makeDue(home);
  await consolidate(home, { consolidator: write(SKILL) });
  home.write("skills/deploy/SKILL.md", `${SKILL}edited\n`);
  home.sql("DELETE FROM stage_one_outputs");
  expect(await consolidate(home)).toEqual({ type: "published" });
  expect(snapshot(home.root)).toMatchObject({ "skills/deploy/SKILL.md": `${SKILL}edited\n` });
});

describe("the day's tokens", () => {
  test("a model reserves each call and is told when they are spent", async () => {
    await using home = await seeded(ROWS);
    const consolidator = model(
      async ({ request, write }) => {
        const first = await request.ledger.reserve(600);
        if (first.type !== "reserved") throw new Error("refused");
        await request.ledger.settle(first.id, { inputTokens: 500, cachedInputTokens: 0, outputTokens: 100 });
        const second = await request.ledger.reserve(600);
        if (second.type === "over_budget") return { status: "over_budget", retryAt: second.retryAt };
        write("MEMORY.md", GOOD);
        return undefined;
      },
      { dailyTokenBudget: 1000 },
    );
    expect(await consolidate(home, { consolidator })).toEqual({ type: "published" });
    expect(home.read("MEMORY.md")).toContain("Keep answer 2");
    expect(await home.store.ledger.spentOn(T)).toBe(600);
  });

  test("where only a model may do it, the job waits for the next day and burns no retry", async () => {
    await using home = await seeded(ROWS);
    const midnight = (Math.floor(T / 86_400) + 1) * 86_400;
    const consolidator = model(() => ({ status: "over_budget", retryAt: midnight }), { required: true });
    expect(await consolidate(home, { consolidator })).toEqual({ type: "over_budget", retryAt: midnight });
    expect(await consolidate(home, { consolidator })).toMatchObject({ type: "skipped" });
    expect(home.exists("MEMORY.md")).toBe(false);
    const none = model(() => undefined, { required: true, dailyTokenBudget: 0 });
    expect(await consolidate(home, { consolidator: none, now: () => midnight })).toEqual({
      type: "over_budget",
      retryAt: midnight + 86_400,
    });
  });
});

test("a lost lease stops the model's thread", async () => {
  await using home = await seeded(ROWS);
  const consolidator = model(async ({ request }) => {
    home.sql("UPDATE jobs SET ownership_token = 'other' WHERE kind = 'memory_consolidate_global'");
    await new Promise((_, reject) => request.signal.addEventListener("abort", () => reject(request.signal.reason)));
    return undefined;
  });
  expect(await consolidate(home, { consolidator, heartbeatMs: 5 })).toEqual({ type: "lost" });
  expect(home.exists("MEMORY.md")).toBe(false);
});

test("a deleted entry is not taken over from the model either", async () => {
  await using home = await seeded(ROWS);
  const consolidator = model(({ write }) => void write("MEMORY.md", GOOD));
  await consolidate(home, { consolidator });
  home.write("MEMORY.md", GOOD.replace(`- by the model [${threadId(1)}]\n`, ""));
  makeDue(home);
  await consolidate(home, { consolidator });
  expect(home.read("MEMORY.md")).not.toContain("by the model");
});
