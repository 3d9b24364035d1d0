import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { commandPurposes } from "#runtime/parsed-command.ts";

interface Recorded {
  command: string[];
  parsed: unknown[];
  ours?: unknown[];
  why?: string;
}

const corpus = readFileSync(join(import.meta.dir, "../corpora/parsed-command/codex-0.101.jsonl"), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as Recorded);

test("commands mean what they mean to Codex CLI 0.101", () => {
  const answers = corpus.map(({ command }) => ({ command, parsed: commandPurposes(command) as unknown[] }));
  expect(answers).toEqual(corpus.map(({ command, parsed, ours }) => ({ command, parsed: ours ?? parsed })));
});

test("every difference has its reason, and there are few", () => {
  const different = corpus.filter(({ ours }) => ours !== undefined);
  expect(different.filter(({ why }) => typeof why !== "string")).toEqual([]);
  expect(different.length / corpus.length).toBeLessThan(0.02);
});

test("a very long script takes no time to speak of", () => {
  const script = "cat a.txt | head -5 && rg 'x y' src; ".repeat(20_000);
  expect(commandPurposes(["bash", "-lc", `${script}ls`])).toHaveLength(40_001);
});

test("no text makes it throw", () => {
  const piece = fc.constantFrom(
    "cat",
    "rg",
    " ",
    "a.txt",
    "|",
    "&&",
    ";",
    "'",
    '"',
    "\\",
    "-n",
    "--",
    "cd",
    "\n",
    "$",
    "#",
    "xargs",
    "sed",
  );
  const script = fc.oneof(
    fc.string(),
    fc.array(piece).map((pieces) => pieces.join("")),
  );
  fc.assert(
    fc.property(script, fc.array(fc.string(), { minLength: 1 }), (text, argv) => {
      for (const { cmd } of [...commandPurposes(["bash", "-lc", text]), ...commandPurposes(argv)]) {
        if (typeof cmd !== "string") throw new Error(`no text for ${text}`);
      }
    }),
    { numRuns: 2000 },
  );
});

test.each(["$(ls)", "cat a > b", "A=1 cat a", "if true; then cat a; fi", "cat 'a", "# only this"])(
  "what is not plain is told as it is: %s",
  (script) => {
    expect(commandPurposes(["bash", "-lc", script])).toEqual([{ type: "unknown", cmd: script }]);
  },
);
