import { escalationRefused } from "#approvals/decide.ts";
import { osErrorText } from "#lib/errors.ts";
import { namedShell, type Shell, shellArgv } from "#process/shell.ts";
import {
  type ArgumentsOf,
  choice,
  defaulted,
  flag,
  integer,
  list,
  optional,
  parseArguments,
  required,
  struct,
  text,
} from "../argument-errors.ts";
import { functionSpec } from "../function-spec.ts";
import { type CommandDeps, commandWorkdir, type NotStarted, runGuarded } from "../guarded-run.ts";
import { rustDebug } from "../rust-debug.ts";
import { failure, withNote, wrongPayload } from "../text-result.ts";
import type { Tool, ToolCall, ToolContext, ToolResult } from "../tool.ts";
import description from "./description.md" with { type: "text" };
import { sessionResponse } from "./response.ts";

const FIELDS = {
  cmd: required(text),
  workdir: optional(text),
  shell: optional(text),
  login: defaulted(flag),
  tty: defaulted(flag),
  yield_time_ms: defaulted(integer("u64")),
  max_output_tokens: optional(integer("usize")),
  sandbox_permissions: defaulted(choice(["use_default", "require_escalated"])),
  justification: optional(text),
  prefix_rule: optional(list(text)),
};
const ARGUMENTS = struct("ExecCommandArgs", FIELDS);
type Arguments = ArgumentsOf<typeof FIELDS>;

const DEFAULT_YIELD_MS = 10_000;
const MIN_YIELD_MS = 250;
const MAX_YIELD_MS = 30_000;

const SPEC = functionSpec(
  "exec_command",
  description,
  {
    cmd: { type: "string", description: "The command line, as the shell reads it." },
    workdir: { type: "string", description: "Folder to run in. Default: the session's folder." },
    shell: { type: "string", description: "Shell to use instead of the user's own." },
    login: { type: "boolean", description: "Whether the shell is a login shell (`-lc`). Default: true." },
    tty: {
      type: "boolean",
      description: "True gives the command a terminal and keeps stdin open. Default: false, with stdin closed.",
    },
    yield_time_ms: {
      type: "number",
      description: "Milliseconds to wait for the command before answering, 250 to 30000. Default: 10000.",
    },
    max_output_tokens: { type: "number", description: "Most tokens of output to return. Default: 10000." },
    sandbox_permissions: {
      type: "string",
      description: '"use_default", or "require_escalated" to ask for a run outside the sandbox.',
    },
    justification: {
      type: "string",
      description:
        "With require_escalated only: one short question to the user that says what is to be allowed and why.",
    },
    prefix_rule: {
      type: "array",
      items: { type: "string" },
      description: "With require_escalated only: first words of similar commands that could be allowed from now on.",
    },
  },
  ["cmd"],
);

/** `exec_command`: one shell command, which may outlive the call. */
export function createExecCommandTool(deps: CommandDeps): Tool {
  return {
    name: "exec_command",
    spec: () => SPEC,
    parallel: true,
    run: (call, context) => runCall(call, context, deps),
  };
}

async function runCall(call: ToolCall, context: ToolContext, deps: CommandDeps): Promise<ToolResult> {
  if (call.payload.kind !== "function") return wrongPayload("exec_command");
  const parsed = parseArguments(call.payload.argumentsJson, ARGUMENTS);
  if ("error" in parsed) return failure(parsed.error);
  const args = parsed.value;
  if (args.sandbox_permissions === "require_escalated" && context.approvalPolicy !== "on-request") {
    return failure(escalationRefused(context.approvalPolicy));
  }
  const shell = args.shell === undefined ? deps.shell : namedShell(args.shell, deps.shell);
  const login = args.login ?? true;
  const argv = shellArgv(shell, args.cmd, { login });
  const workdir = commandWorkdir(args.workdir, context);
  const patched = await deps.interceptPatch?.({ argv, workdir, callId: call.callId, context });
  if (patched) return patched;
  return runCommand(args, { callId: call.callId, shell, login, argv, workdir }, context, deps);
}

interface ShellCommand {
  callId: string;
  shell: Shell;
  login: boolean;
  argv: string[];
  workdir: string;
}

async function runCommand(
  args: Arguments,
  command: ShellCommand,
  context: ToolContext,
  deps: CommandDeps,
): Promise<ToolResult> {
  const { signal, sandbox } = context;
  const { shell, login } = command;
  const prepared = await deps.environment.prepare({ script: args.cmd, shell, login, context: sandbox, signal });
  const escalation = {
    asked: args.sandbox_permissions === "require_escalated",
    justification: args.justification,
    prefixRule: args.prefix_rule,
  };
  const wanted = args.yield_time_ms ?? DEFAULT_YIELD_MS;
  const yieldMs = Math.min(MAX_YIELD_MS, Math.max(MIN_YIELD_MS, wanted));
  const request = { ...command, prepared, tty: args.tty ?? false, escalation };
  const ran = await runGuarded(request, context, deps, (session) =>
    deps.sessions.collect(session, { yieldMs, signal }),
  );
  if (ran.type !== "ran") return failure(notStartedText(ran));
  const { session, waited: collected } = ran;
  if (collected.startFailure?.unavailable) return failure(`exec_command failed: ${collected.startFailure.message}`);
  const options = { sessionId: session.id, maxOutputTokens: args.max_output_tokens };
  const output = withNote(sessionResponse(collected, options), ran.note);
  return { output, success: (collected.exitCode ?? 0) === 0 };
}

function notStartedText(start: NotStarted): string {
  switch (start.type) {
    case "rejected":
      return createProcessFailure(start.reason);
    case "failed":
      return createProcessFailure(`Failed to create unified exec process: ${osErrorText(start.error)}`);
    case "unavailable":
      return `exec_command failed: ${start.message}`;
  }
}

function createProcessFailure(reason: string): string {
  return `exec_command failed: CreateProcess { message: ${rustDebug(`Rejected(${rustDebug(reason)})`)} }`;
}
