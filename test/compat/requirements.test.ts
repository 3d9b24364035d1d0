import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { REQUIREMENTS } from "./requirements.ts";

/** Ids that stand as text in a test file, so that a citation counts whether or not its test ran. */
function citedIds(): Set<string> {
  const files = readdirSync(import.meta.dir).filter((name) => name.endsWith(".test.ts"));
  const text = files.map((name) => readFileSync(join(import.meta.dir, name), "utf8")).join("\n");
  return new Set([...text.matchAll(/"((?:exec|mcp-server)\.[a-z0-9.-]+)"/g)].map(([, id]) => id ?? ""));
}

const cited = citedIds();
const tested = REQUIREMENTS.filter(({ status }) => status === "tested").map(({ id }) => id);

test("every behaviour marked as tested is cited by a test", () => {
  expect(tested.filter((id) => !cited.has(id))).toEqual([]);
});

test("every cited id is a behaviour marked as tested", () => {
  expect([...cited].filter((id) => !tested.includes(id))).toEqual([]);
});

test("at least 250 behaviours are cited", () => {
  expect(tested.filter((id) => cited.has(id)).length).toBeGreaterThanOrEqual(250);
});

test("ids are unique and every behaviour without a test says why", () => {
  const ids = REQUIREMENTS.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { id, sentence, status, why } of REQUIREMENTS) {
    expect(id).toMatch(/^(?:exec|mcp-server)\.[a-z0-9.-]+$/);
    expect(sentence.length).toBeGreaterThan(10);
    expect(status === "untested" ? why?.length : 10).toBeGreaterThan(9);
  }
});
