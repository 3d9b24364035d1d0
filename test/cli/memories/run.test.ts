import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openMemoryState } from "#runtime/memories.ts";
import { memoryRequirement } from "../../compat/memory-cite.ts";
import { answer, assistantText, functionCall, stallAfter } from "../../support/model-script.ts";
import { type ResponseScript, startModelServer } from "../../support/model-server.ts";
import { emptyHome, type MemoriesHome, sampleHome, writeSession } from "./home.ts";

const NOTHING = {
  claimed: 0,
  succeeded: 0,
  no_output: 0,
  failed: 0,
  waiting: {},
  artifacts: { written: 0, removed: 0 },
};

describe("run --wait over the sample sessions", () => {
  test("reads all of them, merges, and changes no byte when run again", async () => {
    await using home = await sampleHome();
    const { artifacts, ...first } = await home.json("run", "--wait");
    expect(first).toEqual({
      claimed: 12,
      succeeded: 11,
      no_output: 1,
      failed: 0,
      waiting: {},
      consolidation: "published",
    });
    expect(artifacts).toMatchObject({ removed: 0 });
    const before = home.snapshot();
    expect(before.length).toBe(14);
    const memory = readFileSync(join(home.root, "MEMORY.md"), "utf8");
    const shared = memory.split(/^## /m).find((section) => section.startsWith("Preferences\n"));
    expect(shared, "stated in two projects").toContain("write commit messages in the imperative");
    expect(memory).toContain("schreibst du immer auf Englisch");
    expect(memory).not.toContain("Schau bitte");
    expect(await home.json("run", "--wait")).toEqual({ ...NOTHING, consolidation: "skipped" });
    expect(home.snapshot()).toEqual(before);
  });

  test("says in words what it did, and on standard error no more than how far it is", async () => {
    await using home = await sampleHome();
    const run = await home.run("run");
    // Told once a second has passed, which on a loaded machine it has.
    expect({ code: run.code, stderr: run.stderr.replace(/^memories: \d+ of 12: .*\n/gm, "") }).toEqual({
      code: 0,
      stderr: "",
    });
    expect(run.stdout).toBe(
      "Read 12 sessions: something was kept of 11, nothing worth keeping was in 1, 0 failed.\nWhat was learnt was merged into MEMORY.md.\n",
    );
  });
});

describe("run --session", () => {
  test("reads one session whatever its source, rest and age", async () => {
    await using home = await emptyHome();
    const old = writeSession(home, 1, { daysAgo: 90, source: "exec" });
    writeSession(home, 2, { daysAgo: 5 });
    expect(await home.json("run", "--session", old)).toMatchObject({ claimed: 1, succeeded: 1, waiting: {} });
    expect(existsSync(join(home.root, "rollout_summaries", `${old}.md`))).toBe(true);
    expect(await home.json("status")).toMatchObject({ kept: 1, jobs: { memory_stage1: { pending: 1, done: 1 } } });
  });

  test("says why it does not", async () => {
    await using home = await emptyHome();
    const off = writeSession(home, 1, { daysAgo: 5, mode: "disabled" });
    expect(await home.json("run", "--session", off)).toMatchObject({ claimed: 0, waiting: { disabled: 1 } });
    const unknown = await home.run("run", "--session", "019a0000-0000-7000-8000-00000000ffff");
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toContain("no rollout found for thread id 019a0000-0000-7000-8000-00000000ffff");
  });
});

describe("run --wait while others are at work", () => {
  test("says whom it waits for, and ends when they are done", async () => {
    await using home = await emptyHome();
    writeSession(home, 1, { daysAgo: 5 });
    await home.json("run");
    const store = await openMemoryState(home.path, { report: () => {} });
    const now = Math.floor(Date.now() / 1000);
    await store.phaseTwo.enqueue();
    const claim = await store.phaseTwo.claim({ now, worker: "another" });
    if (claim.type !== "claimed") throw new Error(`not claimed: ${claim.type}`);
    const without = await home.json("run");
    expect(without).toMatchObject({ claimed: 0, consolidation: "skipped" });
    const started = home.start("run", "--wait", "--json");
    await Bun.sleep(2500);
    const job = { kind: "memory_consolidate_global", jobKey: "global", token: claim.token } as const;
    expect(await store.stageOne.release({ ...job, retryAt: null })).toBe(true);
    const run = await started.done;
    await store.close();
    expect(run.code).toBe(0);
    expect(run.stderr).toContain("memories: 0 of 0: waiting for another process that is merging\n");
    expect(JSON.parse(run.stdout)).toMatchObject({ claimed: 0, consolidation: "unchanged" });
  });

  test("an interruption ends the waiting", async () => {
    await using home = await emptyHome();
    const id = writeSession(home, 1, { daysAgo: 5 });
    const store = await openMemoryState(home.path, { report: () => {} });
    await store.threads.backfill();
    const now = Math.floor(Date.now() / 1000);
    const rules = { now, minIdleSeconds: 0, maxAgeSeconds: 1e9, sources: ["cli"], providers: { type: "any" } as const };
    expect(await store.stageOne.claim({ ...rules, limit: 1, worker: "another" })).toHaveLength(1);
    expect(await home.json("run", "--session", id)).toMatchObject({ claimed: 0, waiting: { running: 1 } });
    const started = home.start("run", "--wait", "--session", id, "--json");
    await Bun.sleep(1000);
    started.kill("SIGTERM");
    const run = await started.done;
    await store.close();
    expect(run.code).toBe(130);
    expect(JSON.parse(run.stdout)).toMatchObject({ claimed: 0, waiting: { running: 1 } });
  });
});

test("a model that is asked for by name and cannot be called is an error", async () => {
  await using home = await emptyHome();
  const run = await home.run("run", "--extractor", "model");
  expect({ code: run.code, stdout: run.stdout }).toEqual({ code: 1, stdout: "" });
  expect(run.stderr).toContain("no configured provider has credentials");
});

test("wrong usage", async () => {
  await using home = await emptyHome();
  for (const args of [["run", "--extractor", "nobody"], ["fly"], ["show"], []])
    expect((await home.run(...args)).code).toBe(2);
});

describe("with a model", () => {
  async function withModel(
    responses: ResponseScript,
    use: (home: MemoriesHome, requests: () => number) => Promise<void>,
  ) {
    const server = await startModelServer({ responses, checkRequests: false });
    await using home = await emptyHome();
    home.config(
      `model = "gpt-5.2-codex"\nmodel_provider = "mock"\n[model_providers.mock]\nname = "mock"\nbase_url = "${server.baseUrl}"\nenv_key = "MOCK_KEY"\nrequest_max_retries = 0\nstream_max_retries = 0\n`,
    );
    try {
      await use(home, () => server.requests.length);
    } finally {
      await server.close();
    }
  }
  const memory = (text: string) =>
    answer(
      assistantText(
        JSON.stringify({ rollout_slug: "verse", rollout_summary: `About ${text}`, raw_memory: `- ${text}` }),
      ),
    );

  memoryRequirement(
    ["mem.4.8"],
    "both phases go through it, booked in the ledger; the merge happens in a hidden, confined thread",
    async () => {
      const id = "019a0000-0000-7000-8000-000000000001";
      const script = `printf '# Memory\\n\\n## Preferences\\n\\n- Verse, says the model. [${id}]\\n' > MEMORY.md; touch "$CODEX_HOME/escaped" /tmp/escaped-${process.pid}; pwd`;
      await withModel(
        (_request, index) =>
          [memory("verse"), answer(functionCall("exec_command", { cmd: script })), answer(assistantText("merged"))][
            index
          ] ?? answer(assistantText("?")),
        async (home) => {
          writeSession(home, 1, { daysAgo: 5 });
          const run = await home.run("run", "--json");
          expect(JSON.parse(run.stdout)).toMatchObject({
            claimed: 1,
            succeeded: 1,
            failed: 0,
            consolidation: "published",
          });
          expect(run.stderr).toContain("memories.daily_token_budget");
          expect(readFileSync(join(home.root, "MEMORY.md"), "utf8")).toContain(`- Verse, says the model. [${id}]`);
          const status = await home.json("status");
          expect((status.ledger as { purpose: string; state: string }[]).map(({ purpose }) => purpose).sort()).toEqual([
            "consolidation",
            "consolidation",
            "stage_one",
          ]);
          expect(existsSync(join(home.path, "escaped"))).toBe(false);
          expect(existsSync(`/tmp/escaped-${process.pid}`)).toBe(false);
          // Hidden: the only session there is the one that was read.
          expect(status.sessions).toBe(1);
          expect((await home.run("run")).stderr).toBe("");
        },
      );
    },
  );

  test("an interruption gives the job back, nothing burned", async () => {
    await withModel([stallAfter(memory("x"), 10)], async (home, requests) => {
      const id = writeSession(home, 1, { daysAgo: 5 });
      const started = home.start("run", "--json");
      while (requests() === 0) await Bun.sleep(10);
      started.kill("SIGINT");
      const run = await started.done;
      expect(run.code).toBe(130);
      expect(JSON.parse(run.stdout)).toMatchObject({ claimed: 1, succeeded: 0, failed: 0 });
      const status = await home.json("status");
      expect(status.jobs).toMatchObject({ memory_stage1: { pending: 1, running: 0, stale: 0, error: 0 } });
      const again = await home.json("run", "--session", id, "--extractor", "builtin");
      expect(again).toMatchObject({ claimed: 1, succeeded: 1 });
    });
  });

  test("a failure is exit code 1, with its text in status", async () => {
    await withModel(
      () => answer(assistantText("no JSON here")),
      async (home) => {
        const id = writeSession(home, 1, { daysAgo: 5 });
        const run = await home.run("run", "--extractor", "model", "--json");
        expect(run.code).toBe(1);
        expect(JSON.parse(run.stdout)).toMatchObject({ claimed: 1, failed: 1, waiting: { backing_off: 1 } });
        const status = await home.json("status");
        expect(status.failures).toMatchObject([{ job: "memory_stage1", key: id, retry_remaining: 2 }]);
        const shown = await home.run("status");
        expect(shown.stdout).toContain("1 waiting: 1 failed, to be tried again");
        expect(shown.stdout).toContain(`${id}  retry in`);
      },
    );
  });

  test("a spent budget leaves the session to the built-in rules, or to the next day", async () => {
    await withModel(
      () => memory("x"),
      async (home, requests) => {
        writeSession(home, 1, { daysAgo: 5 });
        const waits = await home.json("run", "--extractor", "model", "-c", "memories.daily_token_budget=10");
        expect(waits).toMatchObject({ claimed: 1, succeeded: 0, failed: 0, waiting: { over_budget: 1 } });
        const shown = await home.run("status", "-c", 'memories.extractor="model"');
        expect(shown.stdout).toContain("1 waiting: 1 over today's token budget");
        writeSession(home, 2, { daysAgo: 5 });
        const builtin = await home.json("run", "-c", "memories.daily_token_budget=10");
        expect(builtin).toMatchObject({ succeeded: 1, failed: 0 });
        expect(requests()).toBe(0);
      },
    );
  });
});
