import { statSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { amendablePart, type Decision, decide, ESCALATION_REASON, POLICY_REASONS } from "#approvals/decide.ts";
import { readCommand } from "#approvals/read-command.ts";
import type { RuleSet } from "#execpolicy/rules.ts";
import { errnoOf } from "#lib/errors.ts";
import { realPath } from "#lib/real-path.ts";
import type { LoginEnvironment, PreparedScript } from "#process/login-env.ts";
import { capturedText } from "#process/output-buffer.ts";
import type { Collected, Session, SessionObserver, SessionTable } from "#process/sessions.ts";
import type { Shell } from "#process/shell.ts";
import { looksDenied } from "#sandbox/denial.ts";
import type { Sandbox } from "#sandbox/sandbox.ts";
import {
  type CommandQuestion,
  type Consent,
  type ConsentDeps,
  canAsk,
  consentToCommand,
  RETRY_REASON,
} from "./consent.ts";
import type { ToolContext, ToolResult } from "./tool.ts";

/** A command that may turn out to be a patch in disguise. */
export interface PatchCandidate {
  /** The command line as the model meant it, for example `["/bin/bash", "-lc", "apply_patch <<'EOF' …"]`. */
  argv: readonly string[];
  /** Absolute. */
  workdir: string;
  callId: string;
  context: ToolContext;
}

/** Applies the patch a command line carries and answers the call, or says null: it is an ordinary command. */
export type InterceptPatch = (candidate: PatchCandidate) => Promise<ToolResult | null>;

/** What the command tools of one thread share. */
export interface CommandDeps extends ConsentDeps {
  sessions: SessionTable;
  sandbox: Sandbox;
  /** The rules files' say, read at the first command. */
  rules: ConsentDeps["rules"] & { current(): RuleSet };
  /** The user's shell. */
  shell: Shell;
  environment: LoginEnvironment;
  interceptPatch?: InterceptPatch;
}

export interface CommandRequest {
  callId: string;
  /** As shown to people and judged by the approval rules. */
  argv: string[];
  /** What is really started. */
  prepared: PreparedScript;
  /** Absolute. */
  workdir: string;
  tty: boolean;
  escalation: Escalation;
}

/** What the model asks for beyond an ordinary run. */
export interface Escalation {
  /** Whether the command is to leave the sandbox. */
  asked: boolean;
  /** Why, for the person. */
  justification: string | undefined;
  /** First words of similar commands that could be allowed from now on. */
  prefixRule: readonly string[] | undefined;
}

/** Why a command was not started. */
export type NotStarted =
  /** Not allowed: `reason` is for the model. */
  | { type: "rejected"; reason: string }
  /** The system would not start it. */
  | { type: "failed"; error: unknown }
  /** There is no sandbox for the policy on this machine. */
  | { type: "unavailable"; message: string };

type CommandStart = { type: "started"; session: Session } | NotStarted;

/** A command that ran, as far as the tool waited for it. */
export interface CommandRan<Waited> {
  type: "ran";
  session: Session;
  waited: Waited;
  /** What the model is told besides the output, or undefined. */
  note?: string;
}

/**
 * The way of every command of the model: judge, ask, wrap in the sandbox, start, announce, `wait`; and when the
 * sandbox stopped it and the policy says so, ask again and run it without.
 */
export async function runGuarded<Waited extends Collected>(
  request: CommandRequest,
  context: ToolContext,
  deps: CommandDeps,
  wait: (session: Session) => Promise<Waited>,
): Promise<CommandRan<Waited> | NotStarted> {
  const { argv, escalation } = request;
  const { approvalPolicy, sandbox } = context;
  const rules = deps.rules.current();
  const command = await readCommand(argv, rules, { ownShell: deps.shell.path });
  context.signal.throwIfAborted();
  const facts = {
    sandbox: sandbox.policy.type,
    escalate: escalation.asked,
    isOwnFolder: request.workdir === context.cwd,
  };
  const judged = decide({ command, approvalPolicy, rules, ...facts });
  const decision = forced(judged, context);
  if (decision.type === "reject") return { type: "rejected", reason: decision.reason };
  if (decision.type === "ask") {
    const { reason, sandboxed, amendable } = decision;
    const consent = await consentTo(request, { reason, escalated: !sandboxed, amendable }, context, deps);
    if (!consent.granted) return { type: "rejected", reason: consent.reason };
  }
  const first = startAllowed(request, decision.sandboxed ? context : withoutSandbox(context), deps);
  if (first.type === "unavailable") return withoutAny(request, first, context, deps, wait);
  const ran = await waitFor(first, wait);
  const isRetried = ran.type === "ran" && decision.retryOutside && canAsk(context) && wasDenied(ran.waited);
  if (!isRetried) return ran;
  const amendable = decision.type === "ask" ? decision.amendable : amendablePart(command, rules);
  const retried = await outsideSandbox(request, { reason: RETRY_REASON, amendable }, context, deps, wait);
  if (retried.type !== "rejected") return retried;
  return { ...ran, note: `(It was not run again without the sandbox: ${retried.reason}.)` };
}

/** There is nothing to confine the command with: a person may let it run all the same. */
async function withoutAny<Waited extends Collected>(
  request: CommandRequest,
  start: Extract<NotStarted, { type: "unavailable" }>,
  context: ToolContext,
  deps: CommandDeps,
  wait: (session: Session) => Promise<Waited>,
): Promise<CommandRan<Waited> | NotStarted> {
  if (context.approvalPolicy === "never" || !canAsk(context)) return start;
  const reason = `it would run without a sandbox: ${start.message}`;
  return outsideSandbox(request, { reason, amendable: undefined }, context, deps, wait);
}

async function outsideSandbox<Waited extends Collected>(
  request: CommandRequest,
  question: Pick<CommandQuestion, "reason" | "amendable">,
  context: ToolContext,
  deps: CommandDeps,
  wait: (session: Session) => Promise<Waited>,
): Promise<CommandRan<Waited> | NotStarted> {
  const consent = await consentTo(request, { ...question, escalated: true }, context, deps);
  if (!consent.granted) return { type: "rejected", reason: consent.reason };
  return waitFor(startAllowed(request, withoutSandbox(context), deps), wait);
}

async function waitFor<Waited extends Collected>(
  start: CommandStart,
  wait: (session: Session) => Promise<Waited>,
): Promise<CommandRan<Waited> | NotStarted> {
  if (start.type !== "started") return start;
  return { type: "ran", session: start.session, waited: await wait(start.session) };
}

/** A hook may want the person asked where the policy would not ask. */
function forced(decision: Decision, context: ToolContext): Decision {
  if (decision.type !== "run" || context.forceAsk === undefined) return decision;
  return { ...decision, type: "ask", reason: context.forceAsk, amendable: undefined };
}

/** The folder is what it is when the question is asked: one that was swapped for a link meanwhile is another. */
async function consentTo(
  { callId, argv, workdir, tty, escalation }: CommandRequest,
  question: Pick<CommandQuestion, "reason" | "escalated" | "amendable">,
  context: ToolContext,
  deps: CommandDeps,
): Promise<Consent> {
  // As written where it does not exist: then the start fails.
  const folder = () => realPath(workdir) ?? workdir;
  const cwd = folder();
  const reason = withJustification(question.reason, escalation);
  const stated = POLICY_REASONS.has(question.reason) ? escalation.justification : question.reason;
  const proposedPrefix = escalation.prefixRule;
  const consent = await consentToCommand(
    { ...question, callId, argv, cwd, tty, reason, stated, proposedPrefix },
    context,
    deps,
  );
  if (!consent.granted || folder() === cwd) return consent;
  return { granted: false, reason: `"${workdir}" is another folder than when the user was asked` };
}

/** The model's words never take the place of what rules and policy say. */
function withJustification(reason: string, { asked, justification }: Escalation): string {
  if (!asked || justification === undefined) return reason;
  return reason === ESCALATION_REASON ? justification : `${reason}. The model says: ${justification}`;
}

function wasDenied(ran: Collected & { timedOut?: boolean }): boolean {
  const { exitCode, output, startFailure } = ran;
  if (exitCode === null || startFailure !== undefined || ran.timedOut === true) return false;
  return looksDenied({ exitCode, output: capturedText(output) });
}

/** The folder a command runs in: the session's cwd unless the model names another, relative to it. */
export function commandWorkdir(workdir: string | undefined, context: ToolContext): string {
  if (workdir === undefined || workdir === "") return context.cwd;
  return isAbsolute(workdir) ? workdir : resolve(context.cwd, workdir);
}

/** A rule lets the command out: it runs as under danger-full-access. */
function withoutSandbox(context: ToolContext): ToolContext {
  return { ...context, sandbox: { ...context.sandbox, policy: { type: "danger-full-access" } } };
}

function startAllowed(request: CommandRequest, context: ToolContext, deps: CommandDeps): CommandStart {
  const { callId, prepared, workdir, tty } = request;
  if ([workdir, ...prepared.argv].some((text) => text.includes("\0"))) {
    return { type: "failed", error: new Error("nul byte found in provided data") };
  }
  const folderError = folderFailure(workdir);
  if (folderError !== undefined) return { type: "failed", error: folderError };
  const command = { argv: prepared.argv, cwd: workdir, env: prepared.env, tty };
  const plan = deps.sandbox.plan(command, context.sandbox);
  if ("unavailable" in plan) return { type: "unavailable", message: plan.message };
  try {
    const session = deps.sessions.start({ plan, callId, tty, observer: commandObserver(request, context) });
    const started = { callId, command: request.argv, cwd: workdir, processId: session.id };
    context.emit({ type: "command_started", ...started });
    return { type: "started", session };
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return { type: "failed", error };
  }
}

/** Told apart here, because a spawn says ENOENT for the folder and the program alike. */
function folderFailure(path: string): unknown {
  try {
    if (statSync(path).isDirectory()) return undefined;
    return Object.assign(new Error(`not a directory: ${path}`), { code: "ENOTDIR" });
  } catch (error) {
    return error;
  }
}

function commandObserver(request: CommandRequest, context: ToolContext): SessionObserver {
  const { callId, argv: command, workdir: cwd } = request;
  return {
    output: (chunk) => context.emit({ type: "command_output", callId, chunk }),
    finished: ({ output, exitCode, durationMs }) => {
      const text = capturedText(output);
      context.emit({ type: "command_finished", callId, command, cwd, output: text, exitCode, durationMs });
    },
  };
}
