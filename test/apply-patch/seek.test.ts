import { expect, test } from "bun:test";
import fc from "fast-check";
import { LineSeeker } from "#apply-patch/seek.ts";
import { cpuMs } from "../support/cpu-ms.ts";

const READINGS = [
  (line: string) => line,
  (line: string) => line.trimEnd(),
  (line: string) => line.trim(),
  (line: string) => line.trim().replaceAll("–", "-"),
];

/** The same, place by place. */
function naive(
  lines: readonly string[],
  pattern: readonly string[],
  { start, endOfFile }: { start: number; endOfFile: boolean },
): number | undefined {
  const last = lines.length - pattern.length;
  for (const view of READINGS) {
    for (let at = endOfFile ? Math.max(start, last) : start; at <= last; at++) {
      if (pattern.every((line, offset) => view(line) === view(lines[at + offset] ?? ""))) return at;
    }
  }
  return undefined;
}

const line = fc.constantFrom("a", "a", "a ", " a", "–", "-", "");

test("finds what a look at every place finds, however often it is asked", () => {
  const question = fc.record({
    pattern: fc.array(line, { maxLength: 5 }),
    start: fc.nat(50),
    endOfFile: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(line, { maxLength: 50 }), fc.array(question, { maxLength: 5 }), (lines, questions) => {
      const seeker = new LineSeeker(lines);
      for (const { pattern, ...at } of questions) {
        expect(seeker.find(pattern, at.start, at.endOfFile)).toBe(naive(lines, pattern, at));
      }
    }),
    { numRuns: 2000 },
  );
});

test("many chunks that only fit tolerantly, and one that nearly fits everywhere, are found in a moment", async () => {
  const odd = new LineSeeker(Array.from({ length: 60_000 }, (_, at) => `  line – ${at}`));
  const same = new LineSeeker(Array.from({ length: 60_000 }, () => "x"));
  const spent = await cpuMs(() => {
    for (let at = 0; at < 60_000; at += 10) expect(odd.find([`line - ${at}`], at, false)).toBe(at);
    expect(same.find([...Array.from({ length: 20_000 }, () => "x"), "y"], 0, false)).toBeUndefined();
    expect(same.find([...Array.from({ length: 20_000 }, () => "x"), "x "], 0, false)).toBe(0);
  });
  expect(spent).toBeLessThan(2_000);
});
