import { expect, test } from "bun:test";
import { backoffMs } from "#lib/retry.ts";

test("doubles from 200 ms with a tenth to either side", () => {
  for (const [attempt, base] of [
    [1, 200],
    [2, 400],
    [3, 800],
    [5, 3200],
  ] as const) {
    const waits = Array.from({ length: 300 }, () => backoffMs(attempt));
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(base * 0.9);
    expect(Math.max(...waits)).toBeLessThanOrEqual(base * 1.1);
    expect(new Set(waits).size).toBeGreaterThan(5);
  }
});

test("stops growing at a minute", () => {
  expect(backoffMs(100)).toBeLessThanOrEqual(66_000);
  expect(backoffMs(2000)).toBeGreaterThanOrEqual(54_000);
});
