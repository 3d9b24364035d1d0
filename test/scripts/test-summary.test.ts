import { expect, test } from "bun:test";
import { summarize } from "../../scripts/test-summary.ts";

const tail = (...lines: string[]) => `${lines.join("\n")}\n`;

test("a clean run passes with its counts", () => {
  const output = tail(" 12 pass", " 2 skip", " 0 fail", " 30 expect() calls", "Ran 14 tests across 3 files. [1.20s]");
  expect(summarize(output, 0)).toEqual({ line: "Tests passed: 12 passed, 0 failed, 2 skipped in 1.20s", passed: true });
});

test("colours do not hide the counts", () => {
  const output =
    "\x1b[32m 3 pass\x1b[0m\n\x1b[2m 0 fail\x1b[0m\nRan 3 tests across 1 file. \x1b[2m[\x1b[1m5.00ms\x1b[0m]\n";
  expect(summarize(output, 0)).toEqual({ line: "Tests passed: 3 passed, 0 failed, 0 skipped in 5.00ms", passed: true });
});

test("a failed test fails", () => {
  const output = tail(" 1 pass", " 1 fail", "Ran 2 tests across 1 file. [9.00ms]");
  expect(summarize(output, 1)).toEqual({
    line: "FAILED: 1 passed, 1 failed, 0 skipped in 9.00ms (exit code 1)",
    passed: false,
  });
});

test("a run that breaks after passing tests fails", () => {
  const output = tail(" 1 pass", " 0 fail", "Ran 1 tests across 1 file. [9.00ms]");
  expect(summarize(output, 1).passed).toBe(false);
});

test("no test at all fails, whatever bun says", () => {
  const output = tail(" 0 pass", " 0 fail", "Ran 0 tests across 2 files. [3.00ms]");
  expect(summarize(output, 0)).toEqual({ line: "FAILED: no test ran", passed: false });
  expect(summarize("", 0).passed).toBe(false);
});
