import type { SessionApprovals } from "#approvals/session-cache.ts";
import { suggestedPrefix } from "#execpolicy/amend.ts";
import { assertNever, CodexError } from "#lib/errors.ts";
import type { ApprovalDecision, ApprovalRequest } from "#protocol/approvals.ts";
import type { FileChange } from "#protocol/file-change.ts";
import type { ToolContext } from "./tool.ts";

/** Whether something may happen after everybody who has a say was heard; `reason` is for the model. */
export type Consent = { granted: true } | { granted: false; reason: string };

/** What answers are remembered in. */
export interface ConsentDeps {
  /** What the user approved for the session. */
  approvals: SessionApprovals;
  rules: {
    /** Allows commands that begin with these words from now on. Throws a CodexError when that cannot be. */
    allow(prefix: readonly string[]): void;
  };
}

const GRANTED: Consent = { granted: true };

/** The text programs know for a person's "no". */
export const REJECTED = "rejected by user";

/** As the released program asks when the sandbox stopped what it ran. */
export const RETRY_REASON = "command failed; retry without sandbox?";

/** A command somebody is asked about. */
export interface CommandQuestion {
  callId: string;
  argv: string[];
  /** Absolute, links followed. */
  cwd: string;
  tty: boolean;
  reason: string;
  /** The reason as somebody gave it; undefined when only the policy asks. */
  stated: string | undefined;
  /** Whether it would leave the sandbox. */
  escalated: boolean;
  /** The one plain command that a rule could be made of; undefined when no rule would change the answer. */
  amendable: readonly string[] | undefined;
  /** First words the model proposed for such a rule. */
  proposedPrefix: readonly string[] | undefined;
}

/** Asks about a command unless the session's approvals cover it, and remembers what is to be remembered. */
export async function consentToCommand(
  question: CommandQuestion,
  context: ToolContext,
  deps: ConsentDeps,
): Promise<Consent> {
  const { callId, argv, cwd, tty, reason, stated, escalated, amendable, proposedPrefix } = question;
  const command = { argv, cwd, escalated, tty };
  if (deps.approvals.coversCommand(command)) return GRANTED;
  const proposedRule = amendable === undefined ? null : (suggestedPrefix(amendable, proposedPrefix) ?? null);
  const request = { callId, command: argv, cwd, reason, ...given(stated), escalated, tty, proposedRule };
  const answer = await ask({ type: "command", ...request }, context);
  if (answer.type === "approved_for_session") deps.approvals.approveCommand(command);
  if (answer.type === "approved_with_rule") amendRules(answer.prefix, amendable, context, deps);
  return consentOf(answer, reason, context);
}

/** A patch somebody is asked about. */
export interface PatchQuestion {
  callId: string;
  changes: FileChange[];
  /** Where it writes, links followed. */
  realPaths: readonly string[];
  /** Those of them the sandbox does not let be written. */
  outside: readonly string[];
  reason: string;
  /** See `CommandQuestion`. */
  stated?: string;
  /** Whether it would be written without the sandbox. */
  escalated: boolean;
}

/** Asks about a patch unless the session's approvals cover each of its real paths. */
export async function consentToPatch(
  question: PatchQuestion,
  context: ToolContext,
  deps: Pick<ConsentDeps, "approvals">,
): Promise<Consent> {
  const { callId, changes, realPaths, reason, stated, escalated, outside } = question;
  if (deps.approvals.coversFiles(realPaths, escalated)) return GRANTED;
  const answer = await ask({ type: "patch", callId, changes, reason, ...given(stated), escalated, outside }, context);
  if (answer.type === "approved_for_session") deps.approvals.approveFiles(realPaths, escalated);
  return consentOf(answer, reason, context);
}

function given(stated: string | undefined): { stated?: string } {
  return stated === undefined ? {} : { stated };
}

/** Whether anybody may answer a question. */
export function canAsk({ person, permissionHook }: ToolContext): boolean {
  return person !== undefined || permissionHook !== undefined;
}

/** What came back: a person's decision, a hook's, or the news that nobody can be asked. */
export type Answer = ApprovalDecision | { type: "forbidden"; message: string } | { type: "nobody" };

/** The user's hooks are heard first: they may answer for the person, also where there is none. */
export async function ask(request: ApprovalRequest, context: ToolContext): Promise<Answer> {
  const verdict = await context.permissionHook?.(request);
  if (verdict?.behavior === "allow") return { type: "approved" };
  if (verdict?.behavior === "deny") {
    if (verdict.interrupt) context.interrupt();
    return { type: "forbidden", message: verdict.message };
  }
  return (await context.person?.approve(request)) ?? { type: "nobody" };
}

/** Rejects with the turn's end when the answer was to end it. */
export function consentOf(answer: Answer, reason: string, context: ToolContext): Consent {
  if (answer.type === "abort") context.interrupt();
  context.signal.throwIfAborted();
  switch (answer.type) {
    case "approved":
    case "approved_for_session":
    case "approved_with_rule":
      return GRANTED;
    case "denied":
    case "abort":
      return { granted: false, reason: REJECTED };
    case "forbidden":
      return { granted: false, reason: `a hook refused it: ${answer.message}` };
    case "nobody":
      return { granted: false, reason: `this run cannot ask the user for approval: ${reason}` };
    default:
      return assertNever(answer);
  }
}

/** The command was approved whatever becomes of the rule. */
function amendRules(
  prefix: readonly string[],
  amendable: readonly string[] | undefined,
  context: ToolContext,
  deps: ConsentDeps,
): void {
  if (!prefix.every((word, at) => amendable?.[at] === word)) {
    const message = `No rule was written: the command that was asked about does not begin with ${JSON.stringify(prefix)}`;
    context.emit({ type: "warning", message });
    return;
  }
  try {
    deps.rules.allow(prefix);
  } catch (error) {
    if (!(error instanceof CodexError)) throw error;
    context.emit({ type: "warning", message: error.message });
  }
}
