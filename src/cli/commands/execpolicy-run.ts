import { readFileSync } from "node:fs";
import { decisionOf, matchingHostRules, matchingRules, type RuleMatch } from "#execpolicy/evaluate.ts";
import { parseRules } from "#execpolicy/parse.ts";
import { type RulesFile, ruleSet } from "#execpolicy/rules.ts";
import { CodexError, osErrorText } from "#lib/errors.ts";
import { writeStdout } from "#lib/stdio.ts";

export interface ExecpolicyCheckOptions {
  /** Files, in the order given. */
  rules: string[];
  pretty?: boolean;
  resolveHostExecutables?: boolean;
}

/**
 * Prints the matching rules and the decision as the released CLI does. The command is taken word by word: no shell
 * is parsed. Throws a CodexError for a file that cannot be read or has a mistake.
 */
export function checkCommand(words: readonly string[], options: ExecpolicyCheckOptions): number {
  const rules = ruleSet(options.rules.map((path) => ({ path, content: readRules(path) })));
  const direct = matchingRules(rules, words);
  const byName = direct.length === 0 && options.resolveHostExecutables === true ? matchingHostRules(rules, words) : [];
  const decision = decisionOf([...direct, ...byName]);
  const report = {
    matchedRules: [...direct.map((match) => matchJson(match)), ...byName.map((match) => matchJson(match, words[0]))],
    ...(decision === undefined ? {} : { decision }),
  };
  writeStdout(`${JSON.stringify(report, null, options.pretty === true ? 2 : undefined)}\n`);
  return 0;
}

function readRules(path: string): RulesFile {
  const content = parseRules(readText(path));
  const [problem] = content.problems;
  if (problem === undefined) return content;
  const { line, column, message } = problem;
  throw new CodexError(
    "rules_syntax",
    `failed to parse policy at ${path}\n\nCaused by:\n    ${path}:${line}:${column}: ${message}`,
  );
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new CodexError("rules_file", `failed to read policy at ${path}\n\nCaused by:\n    ${osErrorText(error)}`, {
      cause: error,
    });
  }
}

/** The keys and their order are those of the released CLI. */
function matchJson({ rule, matchedPrefix }: RuleMatch, resolvedProgram?: string) {
  const { decision, justification } = rule;
  return { prefixRuleMatch: { matchedPrefix, decision, resolvedProgram, justification } };
}
