import { statSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { decide } from "#approvals/decide.ts";
import { readCommand } from "#approvals/read-command.ts";
import type { RuleSet } from "#execpolicy/rules.ts";
import { errnoOf } from "#lib/errors.ts";
import type { LoginEnvironment, PreparedScript } from "#process/login-env.ts";
import { capturedText } from "#process/output-buffer.ts";
import type { Session, SessionObserver, SessionTable } from "#process/sessions.ts";
import type { Shell } from "#process/shell.ts";
import type { Sandbox } from "#sandbox/sandbox.ts";
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
export interface CommandDeps {
  sessions: SessionTable;
  sandbox: Sandbox;
  /** The rules files' say, read at the first command. */
  rules: { current(): RuleSet };
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
  escalate: boolean;
}

/** How starting a command went. */
export type CommandStart =
  | { type: "started"; session: Session }
  /** Not allowed: `reason` is for the model. */
  | { type: "rejected"; reason: string }
  /** The system would not start it. */
  | { type: "failed"; error: unknown }
  /** There is no sandbox for the policy on this machine. */
  | { type: "unavailable"; message: string };

/** Approve, wrap in the sandbox, start, announce. */
export async function startCommand(
  request: CommandRequest,
  context: ToolContext,
  deps: CommandDeps,
): Promise<CommandStart> {
  const { argv, escalate } = request;
  const { approvalPolicy, sandbox } = context;
  const rules = deps.rules.current();
  const command = await readCommand(argv, rules, { ownShell: deps.shell.path });
  context.signal.throwIfAborted();
  const decision = decide({ command, approvalPolicy, sandbox: sandbox.policy.type, escalate, rules });
  switch (decision.type) {
    case "reject":
      return { type: "rejected", reason: decision.reason };
    case "ask":
      return { type: "rejected", reason: `this run cannot ask the user for approval: ${decision.reason}` };
    case "run":
      return startAllowed(request, decision.sandboxed ? context : withoutSandbox(context), deps);
  }
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
  const { prepared, workdir, tty } = request;
  if ([workdir, ...prepared.argv].some((text) => text.includes("\0"))) {
    return { type: "failed", error: new Error("nul byte found in provided data") };
  }
  const folderError = folderFailure(workdir);
  if (folderError !== undefined) return { type: "failed", error: folderError };
  const command = { argv: prepared.argv, cwd: workdir, env: prepared.env, tty };
  const plan = deps.sandbox.plan(command, context.sandbox);
  if ("unavailable" in plan) return { type: "unavailable", message: plan.message };
  try {
    const session = deps.sessions.start({ plan, tty, observer: commandObserver(request, context) });
    context.emit({ type: "command_started", callId: request.callId, command: request.argv, cwd: workdir });
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
