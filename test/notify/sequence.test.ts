import { describe, expect, test } from "bun:test";
import { osc9, preview } from "#notify/sequence.ts";

const count = (text: string) => [...new Intl.Segmenter().segment(text)].length;

describe("preview", () => {
  test.each([
    ["one\ntwo\r\n\tthree", "one two three"],
    ["a\x1b]0;title\x07b\x9b31mc", "a ]0;title b 31mc"],
    ["\u2028x\u0000y\u007fz\u0085", "x y z"],
    ["safe \u202Eevil", "safe evil"],
    ["lone \ud800 half", "lone � half"],
    ["", ""],
  ])("%j becomes %j", (text, shown) => {
    expect(preview(text)).toBe(shown);
  });

  test("keeps 200 characters as people count them", () => {
    const family = "👨‍👩‍👧‍👦";
    expect(preview(family.repeat(200))).toBe(family.repeat(200));
    expect(preview(family.repeat(201))).toBe(`${family.repeat(199)}…`);
    expect(preview("x".repeat(1_000_000))).toBe(`${"x".repeat(199)}…`);
  });

  test("is short whatever one character is made of", () => {
    const shown = preview(`a${"\u0301".repeat(1_000_000)}`);
    expect(shown.length).toBeLessThanOrEqual(4001);
    expect(count(shown)).toBeLessThanOrEqual(200);
  });
});

describe("osc9", () => {
  test.each([
    ["done", null, "\x1b]9;done\x07"],
    ["evil\x07\x1b]52;c;eA==\x07", null, "\x1b]9;evil ]52;c;eA==\x07"],
    // ConEmu's progress bar.
    ["4;1;50", null, "\x1b]9; 4;1;50\x07"],
    ["4", null, "\x1b]9; 4\x07"],
    ["42 tests", null, "\x1b]9;42 tests\x07"],
    ["done", "tmux", "\x1bPtmux;\x1b\x1b]9;done\x07\x1b\\"],
    ["done", "screen", "\x1bP\x1b]9;done\x07\x1b\\"],
  ] as const)("%j through %p", (text, through, bytes) => {
    expect(osc9(text, through)).toBe(bytes);
  });
});
