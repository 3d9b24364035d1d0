import { describe, expect, test } from "bun:test";
import { normalizedTexts, OUTPUT_SCHEMA, parseAnswer } from "#memories/write/phase-one/output-schema.ts";
import { memoryRequirement } from "../../../compat/memory-cite.ts";

const FULL = { rollout_summary: "# S", raw_memory: "- m", rollout_slug: "a-slug" };
const MEANT = { rolloutSummary: "# S", rawMemory: "- m", rolloutSlug: "a-slug", usedAlias: false };

describe("the answer", () => {
  memoryRequirement(["mem.2.1"], "the schema names the three keys and requires them all, the slug nullable", () => {
    expect(Object.keys(OUTPUT_SCHEMA.properties as object).sort()).toEqual([
      "raw_memory",
      "rollout_slug",
      "rollout_summary",
    ]);
    expect([...(OUTPUT_SCHEMA.required as string[])].sort()).toEqual(["raw_memory", "rollout_slug", "rollout_summary"]);
    expect(OUTPUT_SCHEMA.properties).toMatchObject({
      rollout_slug: { type: ["string", "null"] },
      rollout_summary: { type: "string" },
      raw_memory: { type: "string" },
    });
    expect(OUTPUT_SCHEMA.additionalProperties).toBe(false);
  });

  const json = JSON.stringify(FULL, null, 2);
  test.each([
    ["an object", json],
    ["blanks around it", `\n\n ${json} \n`],
    ["a json fence", `Here you are:\n\`\`\`json\n${json}\n\`\`\`\nDone.`],
    ["a plain fence", `\`\`\`\n${json}\n\`\`\``],
    ["words around it", `The memory is ${json} as asked.`],
    ["a fence inside a value", JSON.stringify({ ...FULL }).replace("- m", "- m")],
    ["keys that nobody asked for", JSON.stringify({ ...FULL, confidence: 1, nested: { a: [1] } })],
  ])("%s", (_, text) => {
    expect(parseAnswer(text)).toEqual(MEANT);
  });

  test("a value that holds a code fence with JSON", () => {
    const raw = 'run:\n```json\n{"a": 1}\n```\nend';
    expect(parseAnswer(JSON.stringify({ ...FULL, raw_memory: raw }))).toEqual({ ...MEANT, rawMemory: raw });
    expect(parseAnswer(`\`\`\`json\n${JSON.stringify({ ...FULL, raw_memory: raw })}\n\`\`\``)?.rawMemory).toBe(raw);
  });

  memoryRequirement(["mem.2.2"], "fences, a missing slug and the old names, alone and mixed", () => {
    const fenced = '```json\n{"summary":"# S","rawMemory":"- m"}\n```';
    expect(parseAnswer(fenced)).toEqual({
      rolloutSummary: "# S",
      rawMemory: "- m",
      rolloutSlug: null,
      usedAlias: true,
    });
    const old = { rolloutSummary: "# S", rawMemory: "- m", rolloutSlug: null, usedAlias: true };
    expect(parseAnswer('{"summary":"# S","rawMemory":"- m"}')).toEqual(old);
    expect(parseAnswer('{"rollout_summary":"# S","rawMemory":"- m"}')).toEqual(old);
    expect(parseAnswer('{"summary":"# S","raw_memory":"- m"}')).toEqual(old);
    expect(parseAnswer('{"summary":"old","rollout_summary":"# S","raw_memory":"- m"}')).toEqual({
      ...old,
      usedAlias: false,
    });
  });

  test.each([[undefined], [null], ["  "], [7]])("a slug of %j is none", (slug) => {
    expect(parseAnswer(JSON.stringify({ ...FULL, rollout_slug: slug }))?.rolloutSlug).toBeNull();
  });

  test.each(["", "I could not find anything.", "[]", "null", "{}", '{"text":"x"}', '{"raw_memory":', "{not json}"])(
    "%j is no answer",
    (text) => {
      expect(parseAnswer(text)).toBeUndefined();
    },
  );
});

describe("the texts", () => {
  const texts = (rolloutSummary: string, rawMemory: string) =>
    normalizedTexts({ rolloutSummary, rawMemory, rolloutSlug: null, usedAlias: false });

  memoryRequirement(["mem.2.3"], "both empty is nothing; of one the other is derived", () => {
    expect(texts("", "")).toBeNull();
    expect(texts("only", "")).toEqual({ rolloutSummary: "only", rawMemory: "only" });
    expect(texts("", "- raw")).toEqual({ rolloutSummary: "- raw", rawMemory: "- raw" });
    const long = Array.from({ length: 400 }, (_, index) => `- item ${index}`).join("\n");
    const derived = texts("", long)?.rolloutSummary ?? "";
    expect(derived.length).toBeLessThanOrEqual(1200);
    expect(long.startsWith(`${derived}\n`)).toBe(true);
  });

  test("blank values count as empty after reading", () => {
    const answer = parseAnswer('{"rollout_summary":"  ","raw_memory":"\\n","rollout_slug":""}');
    expect(answer === undefined ? undefined : normalizedTexts(answer)).toBeNull();
  });

  test("ten megabytes are cut to 300,000 bytes between characters", () => {
    const kept = texts("s", "ü€".repeat(2_000_000));
    const bytes = Buffer.byteLength(kept?.rawMemory ?? "");
    expect(bytes).toBeLessThanOrEqual(300_000);
    expect(bytes).toBeGreaterThan(299_990);
    expect(kept?.rawMemory).not.toContain("\ufffd");
  });
});
