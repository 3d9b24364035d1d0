import { expect, test } from "bun:test";
import { joinToolLists, NO_TOOLS, storedToolList, toolList } from "#providers/tool-list.ts";

const A = { type: "function", name: "a" };
const B = { type: "function", name: "b" };

test("a list is its values and its JSON, whichever it is made of", () => {
  expect(toolList([A, B]).json).toBe(JSON.stringify([A, B]));
  expect(storedToolList(toolList([A, B]).json).specs).toEqual([A, B]);
});

test.each([
  [[A], [B]],
  [[A, B], []],
  [[], [A]],
  [[], []],
])("two lists are one: %j and %j", (first, second) => {
  const joined = joinToolLists(toolList(first), storedToolList(JSON.stringify(second)));
  expect(joined.specs).toEqual([...first, ...second]);
  expect(JSON.parse(joined.json)).toEqual([...first, ...second]);
});

test("half a character is no JSON that strict readers take", () => {
  expect(toolList([{ ...A, description: "\ud800" }]).json).toContain("\\ufffd");
  expect(NO_TOOLS.json).toBe("[]");
});
