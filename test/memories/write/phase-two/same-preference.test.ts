import { describe, expect, test } from "bun:test";
import { consolidateBuiltin } from "#memories/write/phase-two/consolidate-builtin.ts";
import { preferenceCore } from "#memories/write/phase-two/same-preference.ts";
import { row } from "../fixture.ts";

describe("the same wish", () => {
  test.each([
    ["Please use tabs.", "use tabs"],
    ["And always run the linter!", "Run the linter"],
    ["From now on, please write tests first", "Write tests first."],
    ["As in my other projects: no default exports.", "no default exports"],
    ["In all my repositories, sign commits.", "Please sign commits"],
    ["Wie immer: bitte Kommentare auf Englisch", "Kommentare auf Englisch."],
    ["Comme toujours, utilise des guillemets doubles", "utilise des guillemets doubles"],
  ])("%s = %s", (one, other) => {
    expect(preferenceCore(one)).toBe(preferenceCore(other));
  });
});

describe("another wish", () => {
  test.each([
    ["Never use tabs", "Always use tabs"],
    ["Don't use tabs", "Use tabs"],
    ["No default exports", "Default exports"],
    ["In tests: use tabs", "In docs: use tabs"],
    ["In the tern project, use tabs", "In the gannet project, use tabs"],
    ["Andere Farben nehmen", "Farben nehmen"],
    ["Allow tabs", "Low tabs"],
    ["all tests, use tabs", "use tabs"],
  ])("%s ≠ %s", (one, other) => {
    expect(preferenceCore(one)).not.toBe(preferenceCore(other));
  });

  test("a statement that is nothing but a lead-in keeps its words", () => {
    expect(preferenceCore("Always, please!")).toBe("always please");
    expect(preferenceCore("请")).toBe("请");
  });
});

test("one wish in two projects, led into differently, is shared and stands once", () => {
  const stated = (n: number, project: string, wish: string) =>
    row(n, { project, rawMemory: `## Preferences\n\n- ${wish} [line 4]` });
  const sections = consolidateBuiltin([
    stated(1, "/work/a", "Please sign your commits."),
    stated(2, "/work/b", "As in my other projects: sign your commits."),
  ]);
  const shared = sections.find(({ kind }) => kind === "preferences");
  expect(shared?.entries.map(({ rows }) => Object.keys(rows).length)).toEqual([2]);
  expect(sections.filter(({ kind }) => kind === "project").flatMap(({ entries }) => entries)).toEqual([]);
});
