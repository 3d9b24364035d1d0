import { posix } from "node:path";
import { isRestrictive, type PrefixRule, type RuleDecision, type RuleSet, strictest } from "./rules.ts";
import { isKnown, type UnknownWord, type Word } from "./words.ts";

/** A rule and the words of a command that it stands for. */
export interface RuleMatch {
  rule: PrefixRule;
  matchedPrefix: readonly string[];
}

/** Every rule whose prefix the words have, in the order of the files. Words are compared as they are. */
export function matchingRules(rules: RuleSet, words: readonly string[]): RuleMatch[] {
  const [program = ""] = words;
  const candidates = rules.byProgram.get(program) ?? [];
  return candidates.filter((rule) => matchesWords(rule, words)).map((rule) => matchOf(rule, words));
}

/** The same for a program given by its path: rules about its name, when `host_executable` lets the path stand for it. */
export function matchingHostRules(rules: RuleSet, words: readonly string[]): RuleMatch[] {
  const [program = "", ...rest] = words;
  const name = posix.basename(program);
  if (!posix.isAbsolute(program)) return [];
  const listed = rules.hostExecutables.get(name);
  return listed === undefined || listed.includes(program) ? matchingRules(rules, [name, ...rest]) : [];
}

/** The strictest decision of some matches; undefined without a match. */
export function decisionOf(matches: readonly RuleMatch[]): RuleDecision | undefined {
  return strictest(matches.map(({ rule }) => rule.decision));
}

/** Whether the words begin with the rule's prefix. */
export function matchesWords(rule: PrefixRule, words: readonly string[]): boolean {
  if (words[0] !== rule.program || words.length <= rule.rest.length) return false;
  return rule.rest.every((alternatives, index) => alternatives.includes(words[index + 1] ?? ""));
}

/** A rule as people know it: its prefix. */
export function ruleText(rule: PrefixRule): string {
  return [rule.program, ...rule.rest.map((words) => (words.length === 1 ? words[0] : `[${words.join("|")}]`))].join(
    " ",
  );
}

/** How a restrictive rule applies to words of which some are only known when the command runs. */
export interface Restriction extends RuleMatch {
  /** False when an unknown word decides whether the rule applies. */
  certain: boolean;
}

/**
 * The `prompt` and `forbidden` rules about a command. A program given by its path counts as its name too: a path
 * must not be the way around a rule. Unknown words count as what the rule asks for wherever they could be that.
 */
export function restrictions(rules: RuleSet, words: readonly Word[]): Restriction[] {
  const [program] = words;
  if (program === undefined) return [];
  if (!isKnown(program)) return restrictionsOfUnknown(rules, program, words);
  const names = new Set([program, posix.basename(program)]);
  const found: Restriction[] = [];
  for (const name of names) {
    for (const rule of rules.byProgram.get(name) ?? []) {
      if (!isRestrictive(rule)) continue;
      const match = matchPartly(rule, words);
      if (match !== "no") found.push({ ...matchOf(rule, words), certain: match === "yes" });
    }
  }
  return found;
}

/**
 * Rules about programs that an unknown first word may turn out to be. Where nothing of the word is known, the words
 * behind it must be those of a rule: otherwise every `$CC file.c` would be under every rule.
 */
function restrictionsOfUnknown(rules: RuleSet, program: UnknownWord, words: readonly Word[]): Restriction[] {
  const found: Restriction[] = [];
  for (const [name, about] of rules.byProgram) {
    for (const rule of about) {
      if (!isRestrictive(rule) || !mayBeProgram(program, rule)) continue;
      const isRest = program.many && program.prefix.slice(program.prefix.lastIndexOf("/") + 1) === name;
      if (isRest || matchPartly(rule, words) !== "no") found.push({ ...matchOf(rule, words), certain: false });
    }
  }
  return found;
}

function mayBeProgram({ prefix, suffix, many }: UnknownWord, { program, rest }: PrefixRule): boolean {
  const name = posix.basename(program);
  if (suffix.includes("/")) return posix.basename(suffix) === name;
  const start = prefix.slice(prefix.lastIndexOf("/") + 1);
  // `git${IFS}push`: the program's name, and then more words.
  if (many && start === name) return true;
  if (start === "" && suffix === "") return rest.length > 0;
  return name.startsWith(start) && name.endsWith(suffix) && name.length >= start.length + suffix.length;
}

function matchPartly(rule: PrefixRule, words: readonly Word[]): "yes" | "maybe" | "no" {
  let certain = true;
  for (const [index, alternatives] of rule.rest.entries()) {
    const word = words[index + 1];
    if (word === undefined) return "no";
    if (isKnown(word)) {
      if (!alternatives.includes(word)) return "no";
      continue;
    }
    const { prefix, suffix } = word;
    const possible = (text: string) =>
      text.startsWith(prefix) && text.endsWith(suffix) && text.length >= prefix.length + suffix.length;
    // One that may become several words, or none, moves all that follow it.
    if (word.many && prefix === "" && suffix === "") return "maybe";
    if (!alternatives.some(possible)) return "no";
    if (word.many) return "maybe";
    certain = false;
  }
  return certain ? "yes" : "maybe";
}

function matchOf(rule: PrefixRule, words: readonly Word[]): RuleMatch {
  const matched = words.slice(1, rule.rest.length + 1).map((word) => (isKnown(word) ? word : "…"));
  return { rule, matchedPrefix: [rule.program, ...matched] };
}
