import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { decisionOf, matchingRules } from "#execpolicy/evaluate.ts";
import { parseRules } from "#execpolicy/parse.ts";
import { ruleSet } from "#execpolicy/rules.ts";

const FOLDER = join(import.meta.dir, "../corpora/execpolicy");

interface Expectation {
  reports?: { command: string[]; report: { matchedRules: object[]; decision?: string } }[];
  /** `line:column: message` */
  problem?: string;
}

const expected = (await Bun.file(join(FOLDER, "expected.json")).json()) as Record<string, Expectation>;

function report(text: string, command: readonly string[]) {
  const rules = ruleSet([{ path: "x.rules", content: parseRules(text) }]);
  const matches = matchingRules(rules, command);
  const decision = decisionOf(matches);
  return {
    matchedRules: matches.map(({ rule, matchedPrefix }) => ({
      prefixRuleMatch: {
        matchedPrefix,
        decision: rule.decision,
        ...(rule.justification === undefined ? {} : { justification: rule.justification }),
      },
    })),
    ...(decision === undefined ? {} : { decision }),
  };
}

test("every file has an expectation", () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".rules"));
  expect(files.map((name) => name.replace(/\.rules$/, "")).sort()).toEqual(Object.keys(expected).sort());
});

describe.each(Object.entries(expected))("%s", (name, { reports = [], problem }) => {
  test("says what it is known to say", async () => {
    const text = await Bun.file(join(FOLDER, `${name}.rules`)).text();
    const [first] = parseRules(text).problems;
    expect(first === undefined ? undefined : `${first.line}:${first.column}: ${first.message}`).toBe(problem);
    expect(reports.map(({ command }) => ({ command, report: report(text, command) }))).toEqual(reports as never);
  });
});
