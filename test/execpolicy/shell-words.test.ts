import { expect, test } from "bun:test";
import fc from "fast-check";
import { shellWords } from "#execpolicy/shell-words.ts";
import { shellJoin } from "#lib/shell-join.ts";

test.each<[string, string[] | undefined]>([
  ["", []],
  ["  a\tb\nc ", ["a", "b", "c"]],
  ["'a b'c \"d e\"", ["a bc", "d e"]],
  ["a\\ b \\\\ \\'", ["a b", "\\", "'"]],
  ['"a\\"b\\$c\\d\\\ne"', ['a"b$c\\de']],
  ["'' \"\"", ["", ""]],
  ["a # b", ["a"]],
  ["a#b '#' c", ["a#b", "#", "c"]],
  ["# all\nb", ["b"]],
  ["a && b; $(c) > d", ["a", "&&", "b;", "$(c)", ">", "d"]],
  ["'open", undefined],
  ['"open', undefined],
  ['"open\\', undefined],
  ["end\\", undefined],
])("%p", (line, words) => {
  expect(shellWords(line)).toEqual(words as never);
});

test("what was joined for a shell is split again", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "grapheme" }), { maxLength: 6 }), (words) => {
      const clean = words.map((word) => word.replaceAll("\0", ""));
      expect(shellWords(shellJoin(clean))).toEqual(clean);
    }),
    { numRuns: 1000 },
  );
});

test("no text makes it throw", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => Array.isArray(shellWords(text) ?? [])),
    { numRuns: 2000 },
  );
});
