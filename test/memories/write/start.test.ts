import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { artifactImporter } from "#memories/write/artifacts/import.ts";
import { isAnythingDue, type PipelineOptions, type PipelineProgress, runPipeline } from "#memories/write/start.ts";
import { startKind } from "#memories/write/when.ts";
import { openState } from "#state/open.ts";
import type { StateStore } from "#state/store.ts";
import { expandSampleHome } from "../../../scripts/sample-home.ts";
import { tempHome } from "../../support/temp-home.ts";

const RULES = { minIdleSeconds: 12 * 3600, maxAgeSeconds: 30 * 86_400, sources: ["cli", "vscode"] };

function open(codexHome: string): Promise<StateStore> {
  return openState({ codexHome, artifacts: artifactImporter(codexHome), report: () => {} });
}

function pipeline(store: StateStore, codexHome: string, changes: Partial<PipelineOptions> = {}) {
  return runPipeline({
    store,
    codexHome,
    worker: "w",
    rules: RULES,
    extractor: "builtin",
    models: { served: [], routeFor: () => undefined },
    mayCallModels: true,
    dailyTokenBudget: 0,
    maxClaims: 64,
    consolidator: { type: "builtin" },
    maxInputs: 1024,
    backfill: true,
    signal: new AbortController().signal,
    ...changes,
  });
}

test.each([
  ["now", 0],
  ["60 days later", 60],
])("the sample home is learnt from, whatever the clock says: %s", async (_name, days) => {
  await using home = await tempHome();
  const nowMs = Date.UTC(2026, 10, 23, 12) + days * 86_400_000;
  const now = () => Math.floor(nowMs / 1000);
  await expandSampleHome(home.codexHome, nowMs);
  const store = await open(home.codexHome);
  const seen: PipelineProgress["type"][] = [];
  const report = await pipeline(store, home.codexHome, { now, report: ({ type }) => seen.push(type) });
  expect(report).toMatchObject({
    phaseOne: { claimed: 12, succeeded: 11, noOutput: 1 },
    phaseTwo: { type: "published" },
  });
  expect([...new Set(seen)]).toEqual(["indexing", "extracting", "job", "consolidating"]);
  const due = { ...RULES, now: now(), providers: { type: "any" } as const };
  expect(await isAnythingDue(store, due, { codexHome: home.codexHome, consolidation: true })).toBe(false);
  await store.close();
  const memory = readFileSync(join(home.codexHome, "memories", "MEMORY.md"), "utf8");
  for (const project of ["gannet", "kormoran", "puffin", "tern"]) expect(memory).toContain(`/${project}\n`);
});

describe("what is due", () => {
  test("a session at rest, a change that was not merged, and files that are behind", async () => {
    await using home = await tempHome();
    const nowMs = Date.now();
    const now = Math.floor(nowMs / 1000);
    const { codexHome } = home;
    await expandSampleHome(codexHome, nowMs);
    const store = await open(codexHome);
    const due = (consolidation: boolean) =>
      isAnythingDue(store, { ...RULES, now, providers: { type: "any" } }, { codexHome, consolidation });
    expect(await due(true)).toBe(false);
    await store.threads.backfill();
    expect(await due(false)).toBe(true);
    await pipeline(store, codexHome, { consolidator: undefined, now: () => now });
    expect(await due(false)).toBe(false);
    expect(await due(true)).toBe(true);
    await pipeline(store, codexHome, { now: () => now });
    expect(await due(true)).toBe(false);
    const [row] = await store.outputs.list();
    await store.outputs.raiseUsage({ now, threadIds: [row?.threadId ?? ""] });
    expect(await due(false)).toBe(true);
    await store.close();
  });
});

test("an aborted run claims nothing and merges nothing", async () => {
  await using home = await tempHome();
  await expandSampleHome(home.codexHome, Date.now());
  const store = await open(home.codexHome);
  const stop = new AbortController();
  const report = await pipeline(store, home.codexHome, {
    signal: stop.signal,
    report: ({ type }) => {
      if (type === "extracting") stop.abort(new Error("enough"));
    },
  });
  expect(report).toMatchObject({ phaseOne: { claimed: 0 }, phaseTwo: undefined });
  await store.close();
});

describe("which sessions run the pipeline", () => {
  const usual = { ephemeral: false, generate: true };
  test.each([
    ["cli", "background"],
    ["vscode", "background"],
    ["unknown", "background"],
    ["exec", "at_end"],
    ["mcp", "at_end"],
    [{ subagent: "review" }, "never"],
    [{ subagent: "memory_consolidation" }, "never"],
  ] as const)("%p: %s", (source, kind) => {
    expect(startKind({ ...usual, source })).toBe(kind);
    expect(startKind({ ...usual, source, ephemeral: true })).toBe("never");
    expect(startKind({ ...usual, source, generate: false })).toBe("never");
  });
});
