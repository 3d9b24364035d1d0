/** What a rule says about the commands it matches, from the most permissive to the strictest. */
export const RULE_DECISIONS = ["allow", "allow_sandboxed", "prompt", "forbidden"] as const;
export type RuleDecision = (typeof RULE_DECISIONS)[number];

/** One `prefix_rule`; a first pattern element with alternatives becomes one rule for each of them. */
export interface PrefixRule {
  /** First word of the commands it is about. */
  program: string;
  /** For each following word the alternatives it may be. */
  rest: readonly (readonly string[])[];
  decision: RuleDecision;
  justification: string | undefined;
}

/** A piece of a rules file that could not be understood. */
export interface UnreadableRules {
  /** Path of the file, or of the folder that could not be listed. */
  file: string;
  /** The text that was not understood, or null when even the text is unknown. */
  text: string | null;
}

/** What one rules file says. */
export interface RulesFile {
  rules: readonly PrefixRule[];
  /** Program name → the absolute paths that `host_executable` lists for it. */
  hostExecutables: ReadonlyMap<string, readonly string[]>;
  /** Mistakes in the order of the file; a file with any grants nothing. */
  problems: readonly RulesProblem[];
  /** Names of what was understood and has no effect here, for one notice. */
  ignored: readonly string[];
}

/** A mistake in a rules file; line and column count from 1. */
export interface RulesProblem {
  line: number;
  column: number;
  message: string;
  /** The statement that has no effect because of it. */
  text: string;
}

/** The rules of all files together. */
export interface RuleSet {
  byProgram: ReadonlyMap<string, readonly PrefixRule[]>;
  hostExecutables: ReadonlyMap<string, readonly string[]>;
  unreadable: readonly UnreadableRules[];
}

export const NO_RULES: RuleSet = { byProgram: new Map(), hostExecutables: new Map(), unreadable: [] };

/**
 * Puts files together in their order. A file with a mistake keeps what it restricts and loses what it grants: its
 * `allow` and `allow_sandboxed` rules and its `host_executable` lines do not count, because the part that could
 * not be read may have been what limits them. A later `host_executable` replaces an earlier one of the same name.
 */
export function ruleSet(files: readonly { path: string; content: RulesFile }[]): RuleSet {
  const byProgram = new Map<string, PrefixRule[]>();
  const hostExecutables = new Map<string, readonly string[]>();
  const unreadable: UnreadableRules[] = [];
  for (const { path, content } of files) {
    const isBroken = content.problems.length > 0;
    for (const rule of content.rules) {
      if (isBroken && !isRestrictive(rule)) continue;
      const known = byProgram.get(rule.program);
      if (known === undefined) byProgram.set(rule.program, [rule]);
      else known.push(rule);
    }
    for (const [name, paths] of content.hostExecutables) hostExecutables.set(name, isBroken ? [] : paths);
    unreadable.push(...content.problems.map(({ text }) => ({ file: path, text })));
  }
  return { byProgram, hostExecutables, unreadable };
}

/** Whether a rule takes something away: it holds even where the words of a command are only partly known. */
export function isRestrictive(rule: PrefixRule): boolean {
  return rule.decision === "prompt" || rule.decision === "forbidden";
}

/** The strictest of some decisions; undefined for none. */
export function strictest(decisions: readonly RuleDecision[]): RuleDecision | undefined {
  return RULE_DECISIONS.findLast((decision) => decisions.includes(decision));
}
