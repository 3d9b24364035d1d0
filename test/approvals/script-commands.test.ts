import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { scriptCommands, shellScript } from "#approvals/script-commands.ts";
import { bashTrace } from "./bash-trace.ts";

describe("a plain script", () => {
  test.each([
    ["ls -l", [["ls", "-l"]]],
    ["a && b || c ; d | e\nf", [["a"], ["b"], ["c"], ["d"], ["e"], ["f"]]],
    ["echo 'a b'\"c d\"e", [["echo", "a bc de"]]],
    ["a;", [["a"]]],
    ["echo ''", [["echo", ""]]],
    ["\n\na\n\nb\n", [["a"], ["b"]]],
    ["a &&\n\n b", [["a"], ["b"]]],
    ["# note\na # note\n# note", [["a"]]],
    ["a b#c", undefined],
    ["a \\\n  b \\\n", [["a", "b"]]],
    ["a\\\nb c", [["ab", "c"]]],
    ["a\\ b \\$x \\\\ \\'", [["a b", "$x", "\\", "'"]]],
    ["echo = a=b -x=y +% : . , @ /", [["echo", "=", "a=b", "-x=y", "+%", ":", ".", ",", "@", "/"]]],
    ["écho é", [["écho", "é"]]],
  ])("%p", (script, expected) => {
    expect(scriptCommands(script)).toEqual(expected as never);
  });
});

test.each([
  ...[
    "",
    " ",
    "\n",
    "#",
    "a > b",
    "a<b",
    "echo $HOME",
    "echo `ls`",
    "echo $(ls)",
    'echo "$x"',
    "a & b",
    "a &",
    "(a)",
    "{ a; }",
  ],
  ...[
    "ls *",
    "ls ?",
    "ls [a]",
    "ls {a,b}",
    "X=1 a",
    "X=1",
    "'X=1' a",
    "if a; then b; fi",
    "a && && b",
    "| a",
    "a |",
    "a &&",
  ],
  ...[
    "a ; ; b",
    ";",
    "a ;; b",
    "cat <<EOF\nx\nEOF",
    "echo 'open",
    'echo "open',
    "a \\",
    "~/x",
    "a ~",
    "! a",
    "a !x",
    '"a!x"',
  ],
  ...[
    "a |& b",
    "time a",
    "coproc a",
    "a\u00a0b",
    "a\rb",
    "a\0b",
    "$'a'",
    '$"a"',
    'a "\\n"',
    "a ^b",
    "function f",
    "then a",
  ],
])("%p is not plain", (script) => {
  expect(scriptCommands(script)).toBeUndefined();
});

test("shellScript finds the script of a shell", () => {
  expect(shellScript(["bash", "-lc", "x"])).toBe("x");
  expect(shellScript(["/usr/bin/zsh", "-c", "x"])).toBe("x");
  expect(shellScript(["bash", "-c", "x", "arg"])).toBeUndefined();
  expect(shellScript(["python", "-c", "x"])).toBeUndefined();
  expect(shellScript(["bash", "-x", "x"])).toBeUndefined();
});

const PIECES = [
  ...[
    "a",
    "b",
    "zz",
    " ",
    " ",
    "\n",
    ";",
    "|",
    "&&",
    "||",
    "'",
    '"',
    "\\",
    "\\\n",
    "#",
    "'x y'",
    '"x y"',
    "''",
    '""',
    "\t",
  ],
  ...[
    "=",
    "-",
    ":",
    ".",
    ",",
    "%",
    "@",
    "+",
    "!",
    "~",
    "*",
    "?",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    "$",
    "`",
    "<",
    ">",
    "&",
    "^",
  ],
  ...["$x", "$(b)", "if ", "then ", "fi", "time ", "a b", "a ; b", "b | a", "é", "\r"],
];
const script = fc.array(fc.constantFrom(...PIECES), { maxLength: 14 }).map((pieces) => pieces.join(""));
/** Mostly plain: what the scanner says yes to is what is compared with bash. */
const plainish = fc
  .array(fc.constantFrom(...PIECES.slice(0, 29)), { maxLength: 12 })
  .map((pieces) => `a${pieces.join("")}`);

describe("fuzzing", () => {
  test("no text makes it throw", () => {
    fc.assert(
      fc.property(fc.oneof(script, fc.string({ unit: "binary" })), (text) => scriptCommands(text)?.length !== 0),
      { numRuns: 5000 },
    );
  });

  test("what is plain is what bash runs", async () => {
    using bash = bashTrace();
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(fc.oneof(script, plainish, plainish), async (text) => {
        const said = scriptCommands(text);
        if (said === undefined) return;
        compared++;
        const ran = await bash.run(text);
        const known = new Set(said.map((words) => JSON.stringify(words)));
        expect(ran?.filter((words) => !known.has(JSON.stringify(words)))).toEqual([]);
        // Where nothing depends on an outcome and no builtin is meant, all of them ran.
        if (/&&|\|\|/.test(text) || said.some(([program]) => /^(?:[:.[]?$|%)/.test(program ?? ""))) return;
        expect(ran?.map((words) => JSON.stringify(words)).sort()).toEqual(
          said.map((words) => JSON.stringify(words)).sort(),
        );
      }),
      { numRuns: 1200 },
    );
    expect(compared).toBeGreaterThan(100);
  }, 60_000);
});
