import { expect, test } from "bun:test";
import { DEFAULT_MODEL } from "#config/resolve.ts";
import { findModel, MODEL_SLUGS } from "#providers/model-catalog.ts";

const tokens = { mode: "tokens", limit: 10_000 } as const;
const bytes = { mode: "bytes", limit: 10_000 } as const;

test("the default model", () => {
  expect(DEFAULT_MODEL).toBe("gpt-5.2-codex");
  expect(findModel(DEFAULT_MODEL)).toEqual({
    slug: "gpt-5.2-codex",
    known: true,
    contextWindow: 272_000,
    effectiveWindowPercent: 95,
    supportsReasoning: true,
    defaultEffort: "medium",
    supportsVerbosity: false,
    defaultVerbosity: undefined,
    parallelToolCalls: true,
    freeformApplyPatch: true,
    supportsImages: true,
    truncation: tokens,
  });
});

test("an unknown model gets plain calls, no reasoning and a budget in bytes", () => {
  expect(findModel("mock-model")).toEqual({
    slug: "mock-model",
    known: false,
    contextWindow: 272_000,
    effectiveWindowPercent: 95,
    supportsReasoning: false,
    defaultEffort: undefined,
    supportsVerbosity: false,
    defaultVerbosity: undefined,
    parallelToolCalls: false,
    freeformApplyPatch: false,
    supportsImages: true,
    truncation: bytes,
  });
});

test("what tells the models apart", () => {
  const rows = MODEL_SLUGS.map((slug) => {
    const model = findModel(slug);
    return [
      slug,
      model.parallelToolCalls,
      model.defaultVerbosity ?? (model.supportsVerbosity ? "unset" : "none"),
      model.freeformApplyPatch,
      model.truncation.mode,
    ];
  });
  expect(rows).toEqual([
    ["gpt-5.2-codex", true, "none", true, "tokens"],
    ["gpt-5.3-codex", true, "low", true, "tokens"],
    ["gpt-5.2", true, "low", true, "bytes"],
    ["gpt-5.1-codex", false, "none", true, "tokens"],
    ["gpt-5.1-codex-max", false, "none", true, "tokens"],
    ["gpt-5.1-codex-mini", false, "none", true, "tokens"],
    ["gpt-5.1", true, "low", true, "bytes"],
    ["gpt-5.5", true, "low", true, "bytes"],
    ["gpt-5-codex", false, "none", true, "tokens"],
    ["gpt-5-codex-mini", false, "none", true, "tokens"],
    ["gpt-5", false, "unset", false, "bytes"],
  ]);
});

test("a suffixed name counts as the longest name it begins with and keeps its own slug", () => {
  expect(findModel("gpt-5.2-codex-2026-01-01")).toEqual({
    ...findModel("gpt-5.2-codex"),
    slug: "gpt-5.2-codex-2026-01-01",
  });
  expect(findModel("gpt-5.1-codex-max-x").truncation).toEqual(tokens);
  expect(findModel("gpt-5.2:free").defaultVerbosity).toBe("low");
  for (const slug of ["gpt-5.20", "gpt-5.2x", "gpt-6", "openai/gpt-5.2", "", "GPT-5.2", "constructor", "__proto__"]) {
    expect({ slug, known: findModel(slug).known }).toEqual({ slug, known: false });
  }
});

test("overrides from the config", () => {
  expect(findModel("gpt-5.2", { contextWindow: 1000 }).contextWindow).toBe(1000);
  expect(findModel("mock-model", { supportsReasoningSummaries: true }).supportsReasoning).toBe(true);
  expect(findModel("gpt-5.2", { supportsReasoningSummaries: false }).supportsReasoning).toBe(false);
  expect(findModel("gpt-5.2", { contextWindow: undefined, supportsReasoningSummaries: undefined })).toEqual(
    findModel("gpt-5.2"),
  );
});
