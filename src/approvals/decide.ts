import { basename } from "node:path";
import { shellJoin } from "#lib/shell-join.ts";
import type { ApprovalPolicy } from "#protocol/policies.ts";
import { scriptCommands, shellScript } from "./script-commands.ts";

/** What may happen with a command before it runs. */
export type Decision =
  | { type: "run" }
  /** The user is to be asked; `reason` says why. */
  | { type: "ask"; reason: string }
  /** `reason` goes to the model as it is. */
  | { type: "reject"; reason: string };

export interface DecisionInput {
  /** The command as shown, for example `["/bin/bash", "-lc", "ls"]`. */
  argv: readonly string[];
  approvalPolicy: ApprovalPolicy;
  /** Whether the model asked to leave the sandbox for this command. */
  escalate: boolean;
}

/** The rule for one shell command: policy × what the command is. Sandboxing is decided elsewhere. */
export function decide(input: DecisionInput): Decision {
  const { argv, approvalPolicy, escalate } = input;
  if (escalate && approvalPolicy !== "on-request") return { type: "reject", reason: escalationRefused(approvalPolicy) };
  if (escalate) return { type: "ask", reason: "the model asks to run this command without the sandbox" };
  const commands = simpleCommands(argv);
  if (commands.some(isDangerous)) {
    if (approvalPolicy === "never") {
      return { type: "reject", reason: `\`${shellJoin(argv)}\` rejected: blocked by policy` };
    }
    return { type: "ask", reason: "the command may destroy files" };
  }
  if (approvalPolicy === "untrusted" && !commands.every(isKnownSafe)) {
    return { type: "ask", reason: "the command is not known to be safe" };
  }
  return { type: "run" };
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

/** A plain script is judged by its parts; any other command as a whole. */
function simpleCommands(argv: readonly string[]): readonly (readonly string[])[] {
  const script = shellScript(argv);
  return (script === undefined ? undefined : scriptCommands(script)) ?? [argv];
}

/** `rm -f` and `rm -rf`, also behind sudo. */
function isDangerous(command: readonly string[]): boolean {
  const [program, ...args] = command;
  if (program === undefined) return false;
  if (basename(program) === "sudo") return isDangerous(args);
  return basename(program) === "rm" && (args[0] === "-f" || args[0] === "-rf");
}

const ALWAYS_SAFE: ReadonlySet<string> = new Set(
  "cat cd cut echo expr false grep head id ls nl paste pwd rev seq stat tail tr true uname uniq wc which whoami numfmt tac".split(
    " ",
  ),
);

/** Programs that only read, whatever their arguments. */
function isKnownSafe(command: readonly string[]): boolean {
  const [program] = command;
  return program !== undefined && ALWAYS_SAFE.has(basename(program));
}
