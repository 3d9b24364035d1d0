import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answer, assistantText } from "../../support/model-script.ts";
import { startModelServer } from "../../support/model-server.ts";
import { runCli } from "../../support/spawn-cli.ts";
import { emptyHome, sampleHome, writeSession } from "./home.ts";

describe("status", () => {
  test("of a home in which nothing happened", async () => {
    await using home = await emptyHome();
    expect(await home.json("status")).toEqual({
      path: home.root,
      generate_memories: true,
      use_memories: true,
      extractor: "auto",
      sources: ["cli", "vscode"],
      sessions: 0,
      kept: 0,
      jobs: {
        memory_stage1: { pending: 0, running: 0, stale: 0, done: 0, error: 0 },
        memory_consolidate_global: { pending: 0, running: 0, stale: 0, done: 0, error: 0 },
      },
      waiting: {},
      consolidation: {
        state: "idle",
        due: false,
        last_run: "none",
        finished_at: null,
        worker: null,
        lease_until: null,
      },
      failures: [],
      artifacts: { generation: 0, synced_generation: 0 },
      budget: {
        daily_token_budget: 1_000_000,
        spent: 0,
        remaining: 1_000_000,
        resets_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT00:00:00Z$/),
      },
      ledger: [],
    });
    expect(existsSync(home.root)).toBe(false);
  });

  test("says what waits and what is left out, in words", async () => {
    await using home = await emptyHome();
    writeSession(home, 1, { daysAgo: 5 });
    writeSession(home, 2, { daysAgo: 0.1 });
    writeSession(home, 3, { daysAgo: 0.2 });
    writeSession(home, 4, { daysAgo: 5, source: "exec" });
    writeSession(home, 5, { daysAgo: 60 });
    expect((await home.json("status")).waiting).toEqual({ too_recent: 2, source: 1, too_old: 1 });
    const { stdout } = await home.run("status");
    expect(stdout).toContain("5 sessions: 1 to read now, 0 being read, 0 read, 0 failed");
    expect(stdout).toContain("2 waiting: 2 idle < 12 h\n");
    expect(stdout).toMatch(
      /2 left out: .*1 from sources that do not feed memories .*, 1 older than 30 d|2 left out: 1 older/,
    );
  });
});

test("list and show", async () => {
  await using home = await sampleHome();
  expect((await home.run("list")).stdout).toContain("Nothing was kept yet.");
  await home.json("run");
  const listed = (await home.json("list")) as unknown as { thread_id: string; updated_at: string; extractor: string }[];
  expect(listed).toHaveLength(11);
  expect(listed.map((row) => row.updated_at)).toEqual(
    listed
      .map((row) => row.updated_at)
      .toSorted()
      .toReversed(),
  );
  const { stdout } = await home.run("list");
  expect(stdout.split("\n")[0]).toMatch(/^SESSION {2,}LAST LINE {2,}USED {2,}PROJECT {2,}ABOUT$/);
  expect(stdout.trimEnd().split("\n")).toHaveLength(12);
  expect(stdout).not.toContain("\u001b");
  const id = listed[0]?.thread_id ?? "";
  const shown = await home.json("show", id.slice(0, -2));
  expect(shown).toMatchObject({ thread_id: id, extractor: "builtin", usage_count: 0 });
  expect(String(shown.raw_memory).length).toBeGreaterThan(10);
  expect(Array.isArray(shown.evidence)).toBe(true);
  expect((await home.run("show", id)).stdout).toContain(String(shown.raw_memory).trim());
  const ambiguous = await home.run("show", id.slice(0, 8));
  expect(ambiguous.code).toBe(1);
  expect(ambiguous.stderr).toContain("11 sessions begin so");
});

test("path names the folder whether or not it is there", async () => {
  await using home = await emptyHome();
  expect((await home.run("path")).stdout).toBe(`${home.root}\n`);
  expect(await home.json("path")).toEqual({ path: home.root });
  expect(existsSync(join(home.path, "codex-ts.sqlite"))).toBe(false);
});

test("rebuild writes what differs and leaves the rest", async () => {
  await using home = await sampleHome();
  await home.json("run");
  const before = home.snapshot();
  expect(await home.json("rebuild")).toEqual({ written: 0, removed: 0, foreign: [] });
  expect(home.snapshot()).toEqual(before);
  const raw = join(home.root, "raw_memories.md");
  const text = readFileSync(raw, "utf8");
  rmSync(raw);
  expect((await home.run("rebuild")).stdout).toBe("1 file written, 0 files removed\n");
  expect(readFileSync(raw, "utf8")).toBe(text);
});

describe("reset", () => {
  test("does nothing unasked", async () => {
    await using home = await sampleHome();
    await home.json("run");
    writeFileSync(
      join(home.root, "MEMORY.md"),
      `${readFileSync(join(home.root, "MEMORY.md"), "utf8")}\n## Notes\nmine\nand mine\n`,
    );
    const before = home.snapshot();
    const run = await home.run("reset");
    expect({ code: run.code, stdout: run.stdout }).toEqual({ code: 2, stdout: "" });
    expect(run.stderr).toContain("what was kept of 11 sessions");
    expect(run.stderr).toContain("lines of your own");
    expect(home.snapshot()).toEqual(before);
  });

  test("takes away what is ours and leaves everything else", async () => {
    await using home = await sampleHome();
    await home.json("run");
    const foreign = ["notes.txt", "user/memory/kept.md", "0a1b2c3d4e5f/memory_summary.md", "rollout_summaries/mine.md"];
    for (const name of foreign) {
      mkdirSync(join(home.root, name, ".."), { recursive: true });
      writeFileSync(join(home.root, name), "kept");
    }
    expect(await home.json("reset", "--yes")).toMatchObject({ outputs: 11 });
    expect(home.snapshot().map((line) => line.split(" ")[0]?.slice(home.root.length + 1))).toEqual(foreign.toSorted());
    expect(await home.json("status")).toMatchObject({ kept: 0, jobs: { memory_stage1: { pending: 12, done: 0 } } });
    expect(await home.json("run")).toMatchObject({ claimed: 12, succeeded: 11, consolidation: "published" });
  });

  test("has its older name, hidden from the help", async () => {
    await using home = await sampleHome();
    await home.json("run");
    const options = { home: home.home.root, cwd: home.home.cwd, env: { CODEX_HOME: home.path } };
    expect((await runCli(["--help"], options)).stdout).not.toContain("debug");
    expect((await runCli(["debug", "clear-memories", "--yes"], options)).stdout).toContain("Forgot 11 sessions");
    expect(existsSync(join(home.root, "MEMORY.md"))).toBe(false);
  });
});

describe("doctor", () => {
  test("finds nothing wrong with a sound home", async () => {
    await using home = await sampleHome();
    await home.json("run");
    const { ok, checks } = (await home.json("doctor")) as { ok: boolean; checks: { status: string }[] };
    expect(ok).toBe(true);
    expect(checks.every(({ status }) => status === "ok")).toBe(true);
  });

  test("names what is wrong", async () => {
    await using home = await emptyHome();
    writeSession(home, 1, { daysAgo: 5 });
    mkdirSync(join(home.path, "sessions", "2026", "10", "02"), { recursive: true });
    writeFileSync(
      join(
        home.path,
        "sessions",
        "2026",
        "10",
        "02",
        `rollout-2026-10-02T00-00-00-019a0000-0000-7000-8000-00000000000b.jsonl`,
      ),
      "nonsense\n",
    );
    const run = await home.run("doctor", "-c", 'memories.extractor="model"');
    expect(run.code).toBe(1);
    expect(run.stdout).toMatch(/PROBLEM +extractor +memories\.extractor is "model", but no configured provider/);
    expect(run.stdout).toMatch(/warning +sessions +.*rollout-2026-10-02.*session_meta/);
  });

  test("a root that is a link is a problem for it, and refused by run", async () => {
    await using home = await sampleHome();
    mkdirSync(join(home.home.root, "elsewhere"));
    symlinkSync(join(home.home.root, "elsewhere"), home.root);
    for (const command of ["doctor", "run"]) {
      const run = await home.run(command);
      expect(run.code).toBe(1);
      expect(run.stdout + run.stderr).toContain("symbolic link");
    }
  });
});

describe("why", () => {
  test("tells what the newest session was given and from where", async () => {
    await using home = await sampleHome();
    await home.json("run");
    const none = await home.run("why");
    expect(none.code).toBe(1);
    expect(none.stderr).toContain("was given memories yet");
    await using server = await startModelServer({ responses: [answer(assistantText("hello"))], checkRequests: false });
    const provider = `model_providers.mock={name="mock",base_url="${server.baseUrl}"}`;
    const args = ["exec", "--skip-git-repo-check", "-c", provider, "-c", 'model_provider="mock"', "hi"];
    const options = { home: home.home.root, cwd: home.home.cwd, env: { CODEX_HOME: home.path } };
    expect((await runCli(args, options)).stdout).toBe("hello\n");
    const why = await home.json("why");
    expect(why).toMatchObject({
      receipts: [{ reason: "start", project: home.home.cwd, other_projects: { named: 4, cut: 0 } }],
    });
    expect(String(why.message)).toStartWith("<memories>\n");
    const sources = why.sources as { thread_id: string; rollout_path: string; title: string; statements: unknown[] }[];
    expect(sources.length).toBeGreaterThan(0);
    for (const { rollout_path, statements } of sources) {
      expect(existsSync(rollout_path)).toBe(true);
      expect(statements.length).toBeGreaterThan(0);
    }
    const text = (await home.run("why", String(why.thread_id))).stdout;
    expect(text).toContain(`Session ${why.thread_id} was given`);
    expect(text).toContain("Where it came from");
  });
});
