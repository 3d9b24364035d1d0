import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseRules } from "#execpolicy/parse.ts";
import { ruleSet } from "#execpolicy/rules.ts";
import { cpuMs } from "../support/cpu-ms.ts";

describe("a file with a mistake", () => {
  test("keeps the rules around it, and the text of the mistake", () => {
    const text = [
      'prefix_rule(["a"], "prompt")',
      'prefix_rule(["b", decision="allow")',
      "",
      "# still part of nothing",
      'prefix_rule(["c"], "forbidden")',
      'prefix_rule(["""d"], "prompt")',
      'prefix_rule(["e"], "forbidden", match=["x"])',
      'x = ["f"]',
      'prefix_rule(x, "prompt")',
    ].join("\n");
    const { rules, problems } = parseRules(text);
    expect(rules.map(({ program }) => program)).toEqual(["a", "c", "f"]);
    expect(problems.map(({ line, column, text: part }) => ({ line, column, part }))).toEqual([
      { line: 2, column: 19, part: 'prefix_rule(["b", decision="allow")' },
      { line: 6, column: 14, part: 'prefix_rule(["""d"], "prompt")' },
      { line: 7, column: 1, part: 'prefix_rule(["e"], "forbidden", match=["x"])' },
    ]);
  });

  test("a mistake after `;` leaves what stands before it", () => {
    const { rules, problems } = parseRules('prefix_rule(["a"]); prefix_rule(["b"], "no")\n');
    expect(rules.map(({ program }) => program)).toEqual(["a"]);
    expect(problems).toEqual([
      { line: 1, column: 21, message: "invalid decision: no", text: 'prefix_rule(["b"], "no")' },
    ]);
  });
});

test("ruleSet drops what a broken file grants and keeps what it restricts", () => {
  const broken =
    'prefix_rule(["a"])\nprefix_rule(["a"], "allow_sandboxed")\nprefix_rule(["a"], "prompt")\nprefix_rule(["b"';
  const whole = 'prefix_rule(["a"], "forbidden")\nhost_executable("a", ["/bin/a"])';
  const rules = ruleSet([
    { path: "1.rules", content: parseRules(broken) },
    { path: "2.rules", content: parseRules(whole) },
  ]);
  expect(rules.byProgram.get("a")?.map(({ decision }) => decision)).toEqual(["prompt", "forbidden"]);
  expect(rules.hostExecutables).toEqual(new Map([["a", ["/bin/a"]]]));
  expect(rules.unreadable).toEqual([{ file: "1.rules", text: 'prefix_rule(["b"' }]);
});

test("the host executables of a broken file take the path's meaning away", () => {
  const first = { path: "1.rules", content: parseRules('host_executable("a", ["/bin/a"])') };
  const second = { path: "2.rules", content: parseRules('host_executable("a", ["/opt/a"])\n(') };
  expect(ruleSet([first, second]).hostExecutables).toEqual(new Map([["a", []]]));
});

test("network_rule is understood and named as having no effect", () => {
  const text = 'network_rule(host="a.b", protocol="https", decision="deny")\nprefix_rule(["a"])';
  expect(parseRules(text)).toMatchObject({ problems: [], ignored: ["network_rule"], rules: [{ program: "a" }] });
});

/** Pieces that rules files are made of, in any order: much of it almost right. */
const PIECES = [
  ...[
    "prefix_rule",
    "host_executable",
    "network_rule",
    "(",
    ")",
    "[",
    "]",
    ",",
    "=",
    "+",
    ";",
    "\n",
    "\r\n",
    " ",
    "\t",
  ],
  ...[
    "pattern",
    "decision",
    "match",
    "not_match",
    "justification",
    '"a"',
    "'b c'",
    '"""x\ny"""',
    'r"\\d"',
    '"\\x4',
    "#c\n",
  ],
  ...[
    '"allow"',
    '"prompt"',
    '"forbidden"',
    "None",
    "True",
    "1",
    "x",
    "for",
    "load",
    "\\",
    "\\\n",
    "'",
    '"',
    '"""',
    "é",
    "\0",
  ],
];
const almostRules = fc.array(fc.constantFrom(...PIECES), { maxLength: 60 }).map((pieces) => pieces.join(""));
const token = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });

describe("fuzzing", () => {
  test("no text makes it throw, and every problem stands in the text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary", maxLength: 200 }), almostRules), (text) => {
        const { problems } = parseRules(text);
        const lines = text.split("\n").length;
        return problems.every(({ line, column, text: part }) => line <= lines && column > 0 && text.includes(part));
      }),
      { numRuns: 3000 },
    );
  });

  test("no piece of text makes a rule vanish without a problem", () => {
    fc.assert(
      fc.property(almostRules, (junk) => {
        const text = `${junk}\nprefix_rule(["sentinel"], "forbidden")\n`;
        const { rules, problems } = parseRules(text);
        return rules.some(({ program }) => program === "sentinel") || problems.length > 0;
      }),
      { numRuns: 3000 },
    );
  });

  test("a written rule is read as it was meant", () => {
    const pattern = fc.array(fc.oneof(token, fc.array(token, { minLength: 1, maxLength: 3 })), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(pattern, (elements) => {
        const literal = (text: string) =>
          `"${text.replace(/["\\]/g, "\\$&").replace(/[\n\r]/g, (char) => (char === "\n" ? "\\n" : "\\r"))}"`;
        const written = elements.map((item) =>
          Array.isArray(item) ? `[${item.map(literal).join(",")}]` : literal(item),
        );
        const { rules, problems } = parseRules(`prefix_rule([${written.join(", ")}], "prompt")`);
        const [first = "", ...rest] = elements.map((item) => (Array.isArray(item) ? item : [item]));
        expect(problems).toEqual([]);
        expect(rules).toEqual(
          [...first].map((program) => ({
            program,
            rest: rest as string[][],
            decision: "prompt",
            justification: undefined,
          })),
        );
      }),
      { numRuns: 500 },
    );
  });
});

test("a large file is read in a moment", async () => {
  const text = Array.from({ length: 20_000 }, (_, at) => `prefix_rule(["p${at}", ["a", "b"]], "prompt")`).join("\n");
  const spent = await cpuMs(() => {
    expect(parseRules(text).rules).toHaveLength(20_000);
  });
  expect(spent).toBeLessThan(5_000);
});
