import { describe, expect, test } from "bun:test";
import { cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { applyVerified, describeFailure } from "#apply-patch/apply.ts";
import { parsePatch } from "#apply-patch/parse.ts";
import { describeForModel } from "#apply-patch/patch.ts";
import { summarize } from "#apply-patch/summarize.ts";
import { verifyPatch } from "#apply-patch/verify.ts";
import { filesBelow, Scratch } from "./scratch.ts";

/**
 * One folder per case: `before/` (absent: nothing), `patch.txt`, and either `error.txt` (nothing may have
 * changed) or `after/` (absent: nothing) with `summary.txt`.
 */
const CORPUS = join(import.meta.dir, "../corpora/apply-patch");

/** Applies the text below `cwd`: the summary's lines, or what went wrong. */
function run(text: string, cwd: string): { summary: string } | { error: string } {
  const patch = parsePatch(text);
  if (patch.type !== "patch") return { error: describeForModel(patch) };
  const verified = verifyPatch(patch, cwd);
  if (verified.type !== "verified") return { error: describeForModel(verified) };
  const outcome = applyVerified(verified);
  return outcome.ok ? { summary: summarize(verified) } : { error: describeFailure(outcome) };
}

const read = (path: string) => readFileSync(path, "utf8");
const folderFiles = (path: string) => (existsSync(path) ? filesBelow(path) : {});

describe("apply-patch corpus", () => {
  const names = readdirSync(CORPUS, { withFileTypes: true }).filter((entry) => entry.isDirectory());

  test("has its cases", () => {
    expect(names.length).toBeGreaterThanOrEqual(100);
  });

  for (const { name } of names) {
    test(name, () => {
      const folder = join(CORPUS, name);
      using scratch = new Scratch();
      if (existsSync(join(folder, "before"))) cpSync(join(folder, "before"), scratch.path, { recursive: true });
      const result = run(read(join(folder, "patch.txt")), scratch.path);
      if (existsSync(join(folder, "error.txt"))) {
        expect(result).toEqual({ error: read(join(folder, "error.txt")).replaceAll("<cwd>", scratch.path) });
        expect(scratch.files()).toEqual(folderFiles(join(folder, "before")));
      } else {
        const summary = read(join(folder, "summary.txt"));
        expect(result).toEqual({ summary: `Success. Updated the following files:\n${summary}` });
        expect(scratch.files()).toEqual(folderFiles(join(folder, "after")));
      }
    });
  }
});
