import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { statSync, utimesSync } from "node:fs";
import type { ModelAccess, PhaseOneOptions } from "#memories/write/phase-one/run.ts";
import { findModel } from "#providers/model-catalog.ts";
import { clientOf } from "../../../providers/model-request.ts";
import { assistantText, completed, created, sse, status } from "../../../support/model-script.ts";
import { type ResponseScript, startModelServer } from "../../../support/model-server.ts";
import { said, typed } from "./rollout-lines.ts";
import { ANY_RULES, NOW, SECRET, Stage, threadId, USEFUL, WISH } from "./run-stage.ts";

const BUILTIN_RULES = { minIdleSeconds: 12 * 3600, maxAgeSeconds: 30 * 86_400, sources: ["cli"] };

let stage: Stage;

beforeEach(async () => {
  stage = await Stage.open();
});

afterEach(() => stage[Symbol.asyncDispose]());

describe("a model", () => {
  const GOOD = { rollout_summary: "# From the model", raw_memory: "- a fact", rollout_slug: "fact" };
  const answer = (value: unknown) =>
    sse([created(), ...assistantText(JSON.stringify(value)), completed({ input_tokens: 700, output_tokens: 30 })]);

  async function withModel(
    responses: ResponseScript,
    options: Partial<PhaseOneOptions>,
  ): Promise<Awaited<ReturnType<Stage["run"]>> & { requests: number; sent: string }> {
    await using server = await startModelServer({ responses });
    const client = clientOf({ baseUrl: server.baseUrl });
    const models: ModelAccess = {
      served: ["mock"],
      routeFor: ({ provider, model }) =>
        provider === "mock" && model !== null
          ? { client, provider, model: findModel(model), chatgptLogin: false }
          : undefined,
    };
    const result = await stage.run({ extractor: "auto", models, ...options });
    return {
      ...result,
      requests: server.requests.length,
      sent: server.requests.map(({ rawBody }) => rawBody).join("\n"),
    };
  }

  test("extracts with the thread's own model, redacted input, one ledger row", async () => {
    const text = `my token is ${SECRET}, ${WISH}`;
    stage.session(1, [said("user", text), typed(text)]);
    const { report, requests, sent } = await withModel([answer(GOOD)], {});
    expect(report.succeeded).toBe(1);
    expect(requests).toBe(1);
    expect(sent).not.toContain(SECRET);
    expect(sent).toContain("[REDACTED_SECRET]");
    expect(await stage.store.outputs.get(threadId(1))).toMatchObject({
      rolloutSummary: "# From the model",
      rawMemory: "- a fact",
      rolloutSlug: "fact",
      extractor: "model:gpt-5.2-codex",
      evidence: "[]",
    });
    expect(await stage.store.ledger.list({ since: 0 })).toMatchObject([
      {
        state: "done",
        inputTokens: 700,
        outputTokens: 30,
        threadId: threadId(1),
        purpose: "stage_one",
        provider: "mock",
      },
    ]);
  });

  test("old names are noted for the doctor", async () => {
    stage.session(1, USEFUL);
    await withModel([answer({ summary: "s", rawMemory: "r" })], {});
    expect(await stage.store.meta.getNote("legacy_alias_seen_at")).toBe(String(NOW));
  });

  test("three empty strings remove an older output", async () => {
    stage.session(1, USEFUL);
    await stage.run();
    expect(await stage.store.outputs.list()).toHaveLength(1);
    const path = stage.session(1, [...USEFUL, said("user", "bye", "2026-11-01T11:00:00.000Z")]);
    utimesSync(path, NOW - 70_000, statSync(path).mtimeMs / 1000 + 10);
    const { report } = await withModel([answer({ rollout_summary: "", raw_memory: "", rollout_slug: "" })], {});
    expect(report.noOutput).toBe(1);
    expect(await stage.store.outputs.list()).toEqual([]);
  });

  test("with auto a failure waits for its retry; the last retry goes to the built-in", async () => {
    stage.session(1, USEFUL);
    let now = NOW;
    const refuse = () => status(400, { error: { message: "no such model" } });
    for (const retriesLeft of [2, 1]) {
      const { report } = await withModel(refuse, { now: () => now });
      expect(report).toMatchObject({ claimed: 1, failed: 1 });
      expect((await stage.status()).failures[0]?.retryRemaining).toBe(retriesLeft);
      now += 3600;
    }
    const { report, ends } = await withModel(refuse, { now: () => now });
    expect(report).toMatchObject({ claimed: 1, succeeded: 1 });
    expect(ends[0]).toMatchObject({ extractor: "builtin" });
  });

  test("with model a failure is a failure to the last", async () => {
    stage.session(1, USEFUL);
    let now = NOW;
    for (let attempt = 0; attempt < 3; attempt++) {
      const { report } = await withModel(() => status(400, "nope"), { extractor: "model", now: () => now });
      expect(report).toMatchObject({ claimed: 1, failed: 1 });
      now += 3600;
    }
    expect((await withModel([], { extractor: "model", now: () => now })).report.claimed).toBe(0);
  });

  test("a spent budget: auto takes the built-in at once, model claims nothing", async () => {
    stage.session(1, USEFUL);
    const none = await withModel([], { extractor: "model", dailyTokenBudget: 0 });
    expect(none.report.claimed).toBe(0);
    const auto = await withModel([], { dailyTokenBudget: 0 });
    expect(auto.report.succeeded).toBe(1);
    expect(auto.requests).toBe(0);
  });

  test("a reservation refused after the claim gives the job back for the next day and claims no more", async () => {
    for (let number = 1; number <= 5; number++) stage.session(number, USEFUL);
    const { report, ends } = await withModel([], { extractor: "model", dailyTokenBudget: 100, concurrency: 1 });
    expect(report).toMatchObject({ claimed: 1, released: 1 });
    expect(ends[0]).toMatchObject({ type: "released", why: "over_budget" });
    const midnight = Date.parse("2026-11-03T00:00:00Z") / 1000;
    const rules = { ...ANY_RULES, now: midnight - 1 };
    const given = ends[0]?.threadId ?? "";
    expect(await stage.store.stageOne.explain(given, rules)).toBe("over_budget");
    expect(await stage.store.stageOne.explain(given, { ...rules, now: midnight })).toBe("claimable");
    expect(await stage.store.ledger.list({ since: 0 })).toEqual([]);
  });

  test("with auto a reservation refused within a run falls to the built-in in the same job", async () => {
    stage.session(1, USEFUL);
    const { report, ends } = await withModel([], { dailyTokenBudget: 100 });
    expect(report.succeeded).toBe(1);
    expect(ends[0]).toMatchObject({ extractor: "builtin" });
  });

  test("another provider's thread: auto takes the built-in, model leaves it alone", async () => {
    stage.session(1, USEFUL, "elsewhere");
    expect((await withModel([], { extractor: "model" })).report.claimed).toBe(0);
    const { report, requests } = await withModel([], {});
    expect([report.succeeded, requests]).toEqual([1, 0]);
  });

  test("a process that will not stay leaves to others what a model may have", async () => {
    stage.session(1, USEFUL);
    stage.session(2, USEFUL, "elsewhere");
    const { report, requests, ends } = await withModel([], { mayCallModels: false });
    expect([report.claimed, report.succeeded, requests]).toEqual([1, 1, 0]);
    expect(ends[0]?.threadId).toBe(threadId(2));
    expect((await withModel([], { mayCallModels: false, extractor: "model" })).report.claimed).toBe(0);
  });

  test("the built-in by name passes a back-off", async () => {
    stage.session(1, USEFUL);
    await withModel(() => status(400, "nope"), { extractor: "model" });
    expect((await stage.run()).report.claimed).toBe(0);
    expect((await stage.run({ rules: { ...BUILTIN_RULES, passRetryAt: true } })).report.succeeded).toBe(1);
  });

  test("a rollout far over the budget is shown by its two ends", async () => {
    const filler = Array.from({ length: 900 }, (_, index) =>
      said("assistant", `step ${index} ${"words ".repeat(400)}`),
    );
    stage.session(1, [...USEFUL, ...filler, said("user", "the very last request")]);
    const { sent } = await withModel([answer(GOOD)], {});
    expect(sent).toContain(WISH);
    expect(sent).toContain("the very last request");
    expect(sent).toMatch(/…\d+ tokens truncated…/);
    expect(Buffer.byteLength(sent)).toBeLessThan(272_000 * 0.95 * 0.7 * 4 * 1.1);
  });
});
