import { posix } from "node:path";
import { isDangerous } from "#execpolicy/dangerous.ts";
import { matchingRules, type Restriction, type RuleMatch, restrictions, ruleText } from "#execpolicy/evaluate.ts";
import { isKnownSafe } from "#execpolicy/known-safe.ts";
import { isRestrictive, type RuleDecision, type RuleSet, strictest } from "#execpolicy/rules.ts";
import { isKnown, mentions } from "#execpolicy/words.ts";
import { assertNever } from "#lib/errors.ts";
import { shellJoin } from "#lib/shell-join.ts";
import type { ApprovalPolicy, SandboxPolicy } from "#protocol/policies.ts";
import { bareText, type CommandReading, hidesDanger } from "./read-command.ts";

/** What may happen with a command before it runs. */
export type Decision =
  | ({ type: "run" } & Run)
  /**
   * The user is to be asked; `reason` says why. `amendable` is the one plain
   * command of it, where a rule that allows it would have answered the question.
   */
  | ({ type: "ask"; reason: string; amendable: readonly string[] | undefined } & Run)
  /** `reason` goes to the model as it is. */
  | { type: "reject"; reason: string };

/** How a command runs that may. `retryOutside`: when the sandbox stops it, the user is asked to run it again without. */
interface Run {
  sandboxed: boolean;
  retryOutside: boolean;
}

export interface DecisionInput {
  command: CommandReading;
  approvalPolicy: ApprovalPolicy;
  sandbox: SandboxPolicy["type"];
  /** Whether the model asked to leave the sandbox for this command. */
  escalate: boolean;
  rules: RuleSet;
  /** Whether it runs in the session's own folder; true unless given. */
  isOwnFolder?: boolean;
}

/** What rules, lists and policy say about a command, without regard to whether anybody can be asked. */
type Verdict =
  | { type: "forbidden"; reason: string }
  | { type: "ask"; reason: string; refusal: string; isRuled: boolean }
  | { type: "run"; sandboxed: boolean };

/** The rule for one shell command: policy × what the command is × rules × sandbox. The strictest part decides. */
export function decide(input: DecisionInput): Decision {
  const { approvalPolicy, escalate, sandbox } = input;
  if (escalate && approvalPolicy !== "on-request") return { type: "reject", reason: escalationRefused(approvalPolicy) };
  const verdict = judge(input);
  switch (verdict.type) {
    case "forbidden":
      return { type: "reject", reason: verdict.reason };
    case "ask":
      if (approvalPolicy === "never") return { type: "reject", reason: verdict.refusal };
      return {
        type: "ask",
        reason: verdict.reason,
        ...runOf(approvalPolicy, sandbox !== "danger-full-access" && !escalate),
        amendable: verdict.isRuled ? undefined : amendablePart(input.command, input.rules),
      };
    case "run":
      return { type: "run", ...runOf(approvalPolicy, verdict.sandboxed && sandbox !== "danger-full-access") };
    default:
      return assertNever(verdict);
  }
}

function runOf(policy: ApprovalPolicy, sandboxed: boolean): Run {
  return { sandboxed, retryOutside: sandboxed && (policy === "untrusted" || policy === "on-failure") };
}

function judge(input: DecisionInput): Verdict {
  const { command, rules } = input;
  const restricted = command.seen.flatMap((words) => restrictions(rules, words));
  const whole = command.plain === undefined ? matchingRules(rules, command.argv) : [];
  const about = [...restricted, ...whole.filter(({ rule }) => isRestrictive(rule)).map(certain)];
  const forbidden = longest(about.filter((match) => match.rule.decision === "forbidden" && match.certain));
  if (forbidden !== undefined) return { type: "forbidden", reason: forbiddenReason(command.argv, forbidden) };
  const prompt = longest(about);
  if (prompt !== undefined) return { ...ask(promptReason(command.argv, prompt), NEVER_ASKS), isRuled: true };
  const unclear = unclearReason(command, rules);
  if (unclear !== undefined) {
    const reason = `${shown(command.argv)} requires approval: ${unclear}`;
    return { ...ask(reason, `${NEVER_ASKS}: ${unclear}`), isRuled: true };
  }
  return judgeByTable(input, whole);
}

/** Why a person is asked when nothing but the model's wish to leave the sandbox is the reason. */
export const ESCALATION_REASON = "the model asks to run this command without the sandbox";

const DANGEROUS = "the command may destroy files";
const UNKNOWN = "the command is not known to be safe";

/** The reasons that only say which policy it is that asks. */
export const POLICY_REASONS: ReadonlySet<string> = new Set([ESCALATION_REASON, DANGEROUS, UNKNOWN]);

/** The text programs know for a question that nobody is there to answer. */
const NEVER_ASKS = "approval required by policy, but AskForApproval is set to Never";

function ask(reason: string, refusal: string): Extract<Verdict, { type: "ask" }> {
  return { type: "ask", reason, refusal, isRuled: false };
}

/** Of plain commands the one that neither a list nor a rule lets run; undefined when there are none or several. */
export function amendablePart({ plain }: CommandReading, rules: RuleSet): readonly string[] | undefined {
  const open =
    plain?.length === 1
      ? plain
      : plain?.filter((words) => !isKnownSafe(words) && permissions(rules, words).length === 0);
  return open?.length === 1 ? open[0] : undefined;
}

/** No rule restricts the command: what grants it, or else the table of policies. */
function judgeByTable(input: DecisionInput, whole: readonly RuleMatch[]): Verdict {
  const { command, approvalPolicy, escalate, sandbox, rules } = input;
  const granted = command.plain?.map((words) => strictest(permissions(rules, words))) ?? [];
  const overall = command.plain === undefined ? strictest(whole.map(({ rule }) => rule.decision)) : undefined;
  if (isDangerousBeyond(command, granted, overall)) {
    const text = shown(command.argv);
    return ask(DANGEROUS, `${text} rejected: blocked by policy`);
  }
  const place = { isOwnFolder: input.isOwnFolder !== false && command.plain?.some(([name]) => name === "cd") !== true };
  const safe = command.plain?.map((words) => isKnownSafe(words, place)) ?? [];
  const isCovered = command.plain?.every((_, at) => granted[at] !== undefined || safe[at] === true) ?? false;
  const grants = [...granted, overall].filter((decision) => decision !== undefined);
  if (grants.length > 0 && (isCovered || overall !== undefined)) {
    const leaves = strictest(grants) === "allow" && (command.plain?.every(mayLeave(granted)) ?? true);
    if (leaves || !escalate) return { type: "run", sandboxed: !leaves };
  }
  const isHarmless = safe.length > 0 && safe.every(Boolean) && grants.length === 0;
  // Inside the sandbox it does what it would do outside: nobody needs to be asked.
  if (isHarmless) return { type: "run", sandboxed: true };
  if (escalate && sandbox !== "danger-full-access") {
    return ask(ESCALATION_REASON, NEVER_ASKS);
  }
  if (approvalPolicy === "untrusted" && !isCovered) return ask(UNKNOWN, NEVER_ASKS);
  return { type: "run", sandboxed: true };
}

/**
 * A line leaves the sandbox as a whole: every part needs a rule of its own, except what does nothing by itself.
 * Programs that only read are safe inside; outside, what they read and run could be what the sandbox kept away.
 */
function mayLeave(granted: readonly (RuleDecision | undefined)[]) {
  return (words: readonly string[], at: number) => granted[at] !== undefined || isInert(words);
}

/** Whether a command touches nothing but its standard streams. */
function isInert([program = "", ...args]: readonly string[]): boolean {
  if (SILENT.has(program)) return true;
  const counts = program === "head" || program === "tail";
  return FILTERS.has(program) && args.every((arg, at) => isOption(arg) || (counts && isCount(args[at - 1], arg)));
}

function isOption(arg: string): boolean {
  return /^-[A-Za-z0-9]*$/.test(arg);
}

/** `-n 20` and `-c 20`; a number anywhere else is a file's name. */
function isCount(option: string | undefined, arg: string): boolean {
  return (option === "-n" || option === "-c") && /^[0-9]+$/.test(arg);
}

const SILENT: ReadonlySet<string> = new Set(["cd", "echo", "false", "pwd", "true"]);
/** They read a file only where one is named. */
const FILTERS: ReadonlySet<string> = new Set(["cat", "head", "nl", "rev", "tac", "tail", "wc"]);

/** The `allow` and `allow_sandboxed` rules about exact words; a path counts as its name when it is listed for it. */
function permissions(rules: RuleSet, words: readonly string[]): RuleDecision[] {
  const [program = "", ...rest] = words;
  const name = posix.basename(program);
  const isListed = name !== program && rules.hostExecutables.get(name)?.includes(program) === true;
  const byName = isListed ? matchingRules(rules, [name, ...rest]) : [];
  return [...matchingRules(rules, words), ...byName].map(({ rule }) => rule.decision);
}

/** Whether something dangerous is seen that no rule lets run. */
function isDangerousBeyond(
  command: CommandReading,
  granted: readonly (RuleDecision | undefined)[],
  overall: RuleDecision | undefined,
): boolean {
  if (overall !== undefined) return false;
  const isGranted = command.plain !== undefined && granted.every((decision) => decision !== undefined);
  if (isGranted) return false;
  const excused = new Set(command.plain?.filter((_, at) => granted[at] !== undefined));
  return (
    command.seen.some((words) => !excused.has(words as readonly string[]) && isDangerous(words)) || hidesDanger(command)
  );
}

/** Why the words of the command do not tell whether a rule applies. */
function unclearReason(command: CommandReading, rules: RuleSet): string | undefined {
  const names = command.seen.map(([program]) => program).filter((program) => program !== undefined);
  for (const { file, text } of rules.unreadable) {
    if (command.unparsed.length > 0) return `the script cannot be parsed, and "${file}" has a mistake`;
    if (text === null) {
      if (command.plain?.every((words) => isKnownSafe(words))) continue;
      return `the rules in "${file}" cannot be read`;
    }
    const named = names.find((name) => isKnown(name) && (mentions(text, name) || mentions(text, posix.basename(name))));
    if (named !== undefined) return `"${file}" has a mistake where it is about \`${named}\``;
  }
  for (const script of command.unparsed.map(bareText)) {
    for (const [program, about] of rules.byProgram) {
      if (about.some(isRestrictive) && mentions(script, bareText(program))) {
        return `the script cannot be parsed, and a rule is about \`${program}\``;
      }
    }
  }
  return undefined;
}

const POLICY_NAMES: Readonly<Record<ApprovalPolicy, string>> = {
  untrusted: "UnlessTrusted",
  "on-failure": "OnFailure",
  "on-request": "OnRequest",
  never: "Never",
};

/** Why a request to leave the sandbox is refused when nobody may be asked. The verb differs by tool. */
export function escalationRefused(policy: ApprovalPolicy, verb: "cannot" | "should not" = "cannot"): string {
  const name = POLICY_NAMES[policy];
  return `approval policy is ${name}; reject command — you ${verb} ask for escalated permissions if the approval policy is ${name}`;
}

function shown(argv: readonly string[]): string {
  return `\`${shellJoin(argv)}\``;
}

/** The most specific match is the one to tell of; one with a justification before one without. */
function longest(matches: readonly Restriction[]): Restriction | undefined {
  const weight = ({ rule, certain: isCertain }: Restriction) =>
    (isCertain ? 1_000_000 : 0) + (rule.justification === undefined ? 0 : 10_000) + rule.rest.length;
  return matches.toSorted((left, right) => weight(right) - weight(left))[0];
}

function certain(match: RuleMatch): Restriction {
  return { ...match, certain: true };
}

function forbiddenReason(argv: readonly string[], { rule, matchedPrefix }: Restriction): string {
  const why = rule.justification ?? `policy forbids commands starting with \`${shellJoin(matchedPrefix)}\``;
  return `${shown(argv)} rejected: ${why}`;
}

function promptReason(argv: readonly string[], { rule, certain: isCertain }: Restriction): string {
  const text = shown(argv);
  if (!isCertain)
    return `${text} requires approval: a rule about \`${ruleText(rule)}\` may apply, which shows only when it runs`;
  return rule.justification === undefined
    ? `${text} requires approval by policy`
    : `${text} requires approval: ${rule.justification}`;
}
