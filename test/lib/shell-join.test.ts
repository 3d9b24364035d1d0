import { expect, test } from "bun:test";
import { shellJoin } from "#lib/shell-join.ts";

/** Word → text as the released 0.101 binary printed it in `command_execution.command`. */
const CASES: readonly [string, string][] = [
  ["a b", "'a b'"],
  ["it's", `"it's"`],
  ["a^b", "a'^b'"],
  ["x?y", "'x?y'"],
  ["a]b", "a]b"],
  ["a!b c", "'a!b c'"],
  ["it's $x", `"it's "'$x'`],
  ["it's ^x", `"it's "'^x'`],
  ["a\\b", `"a\\\\b"`],
  ["é", "'é'"],
  ["a,b", "'a,b'"],
  ["a=b", "'a=b'"],
  ["%a", "'%a'"],
  ["don't ^ stop' now", `"don't "'^ stop'"' now"`],
  ['it\'s `x` "q"!', `"it's "'\`x\` "q"!'`],
  ["''^''", `"''"'^'"''"`],
  ["!'", `'!'"'"`],
  ["new\nline", "'new\nline'"],
  ["a+b", "a+b"],
  ["", "''"],
];

test.each(CASES)("quotes %j", (word, quoted) => {
  expect(shellJoin(["/bin/bash", "-c", word])).toBe(`/bin/bash -c ${quoted}`);
});

test("a shell splits the line back into the words", () => {
  const words = CASES.map(([word]) => word).filter((word) => !word.includes("!"));
  const { stdout } = Bun.spawnSync(["bash", "-c", `printf '%s\\0' ${shellJoin(words)}`]);
  expect(stdout.toString().split("\0").slice(0, -1)).toEqual(words);
});
