import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MEMORY_REQUIREMENTS } from "./memory-requirements.ts";

const TESTS = join(import.meta.dir, "..");

/** Ids that a test or a suite cites; as text, so that a citation counts whether or not its test ran. */
function citedIds(): Set<string> {
  const files = ["**/*.test.ts", "conformance/*.ts"].flatMap((glob) => [
    ...new Bun.Glob(glob).scanSync({ cwd: TESTS }),
  ]);
  const text = files.map((path) => readFileSync(join(TESTS, path), "utf8")).join("\n");
  return new Set(
    [...text.matchAll(/memoryRequirement\(\s*\[([^\]]*)\]/g)].flatMap(
      ([, ids]) => (ids ?? "").match(/mem\.[0-9.]+/g) ?? [],
    ),
  );
}

test("every assertion about memories that is marked as tested is cited by a test", () => {
  const cited = citedIds();
  const tested = MEMORY_REQUIREMENTS.filter(({ status }) => status === "tested").map(({ id }) => id);
  expect(tested.filter((id) => !cited.has(id))).toEqual([]);
  expect(tested.length).toBeGreaterThanOrEqual(25);
});

test("ids are unique and every assertion without a test says why", () => {
  const ids = MEMORY_REQUIREMENTS.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { id, status, why } of MEMORY_REQUIREMENTS) {
    expect(id).toMatch(/^mem\.[1-5]\.[0-9]+$/);
    expect(status === "untested" ? why?.length : 10).toBeGreaterThan(9);
  }
});
