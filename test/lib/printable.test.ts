import { expect, test } from "bun:test";
import { printable, printableTexts } from "#lib/printable.ts";

test.each([
  ["plain\ttext\nü 漢 👩‍👩‍👧", "plain\ttext\nü 漢 👩‍👩‍👧"],
  ["a\u001b[31mred\u001b[0m b", "ared b"],
  ["\u001b]0;title\u0007x", "x"],
  ["\u001b]52;c;aGk=\u001b\\x", "x"],
  ["50%\r100%\r\n", "50%\n100%\n"],
  ["bell\u0007 nul\u0000 del\u007f", "bell\ufffd nul\ufffd del\ufffd"],
  ["user\u202etxt.exe", "user\ufffdtxt.exe"],
])("%j is shown as %j", (text, shown) => {
  expect(printable(text)).toBe(shown);
});

test("no escape survives, whatever surrounds it", () => {
  for (const text of [
    "\u001b",
    "\u001b[",
    "\u001b]0;",
    "\u001b\u001b[31m",
    "a\u001bPq\u001b\\b",
    "\u001b[\u001b[31m31m",
  ]) {
    expect(printable(text)).not.toContain("\u001b");
  }
});

test("every text of a value is cleaned, bytes are left alone", () => {
  const chunk = new Uint8Array([27]);
  expect(printableTexts({ a: ["\u001b[1mx"], n: 1, nothing: null, chunk })).toEqual({
    a: ["x"],
    n: 1,
    nothing: null,
    chunk,
  });
});
