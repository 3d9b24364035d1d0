import { escalationRefused } from "#approvals/decide.ts";
import { errnoOf, messageOf, osErrorText } from "#lib/errors.ts";
import { truncateWithLineCount } from "#lib/truncate.ts";
import type { PreparedScript } from "#process/login-env.ts";
import { capturedText } from "#process/output-buffer.ts";
import type { Collected } from "#process/sessions.ts";
import { REJECTED } from "../consent.ts";
import {
  type CommandDeps,
  type CommandRan,
  commandWorkdir,
  type Escalation,
  type NotStarted,
  runGuarded,
} from "../guarded-run.ts";
import { rustDebug } from "../rust-debug.ts";
import { failure, withNote } from "../text-result.ts";
import type { ToolContext, ToolResult } from "../tool.ts";
import type { StructuredOutput } from "./structured-output.ts";

/** A command of one of the classic shell tools: it ends within its call. */
export interface ShellCall {
  callId: string;
  /** As shown and judged. */
  argv: string[];
  prepare(): Promise<PreparedScript>;
  workdir: string | undefined;
  timeoutMs: number | undefined;
  escalation: Escalation;
  /** The answer's form in history. */
  format(result: StructuredOutput): string;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** Runs the command to its end or its time-out and answers the call. */
export async function runShell(call: ShellCall, context: ToolContext, deps: CommandDeps): Promise<ToolResult> {
  if (call.escalation.asked && context.approvalPolicy !== "on-request") {
    return failure(escalationRefused(context.approvalPolicy, "should not"));
  }
  const { callId, argv, escalation } = call;
  const workdir = commandWorkdir(call.workdir, context);
  const patched = await deps.interceptPatch?.({ argv, workdir, callId, context });
  if (patched) return patched;
  if (argv.length === 0) return notStarted("command args are empty", call, workdir, context);
  const prepared = await call.prepare();
  const waiting = { timeoutMs: call.timeoutMs ?? DEFAULT_TIMEOUT_MS, signal: context.signal };
  const request = { callId, argv, prepared, workdir, tty: false, escalation };
  const ran = await runGuarded(request, context, deps, (session) => deps.sessions.runToEnd(session, waiting));
  if (ran.type !== "ran") return notStarted(notStartedText(ran), call, workdir, context);
  return answerOf(ran, call, context);
}

type Ended = CommandRan<Collected & { timedOut: boolean }>;

function answerOf({ waited: ended, note }: Ended, call: ShellCall, context: ToolContext): ToolResult {
  if (ended.startFailure?.unavailable) return failure(`execution error: ${ended.startFailure.message}`);
  const durationMs = ended.wallMs;
  const text = capturedText(ended.output);
  const told = ended.timedOut ? `command timed out after ${Math.round(durationMs)} milliseconds\n${text}` : text;
  const output = withNote(truncateWithLineCount(told, context.model.truncation), note);
  const exitCode = ended.exitCode ?? -1;
  return { output: call.format({ output, exitCode, durationMs }), success: exitCode === 0 };
}

/** Unlike `exec_command`, these tools show a command that never started as one that failed. */
function notStarted(text: string, call: ShellCall, cwd: string, context: ToolContext): ToolResult {
  const { callId, argv: command } = call;
  context.emit({ type: "command_started", callId, command, cwd });
  context.emit({ type: "command_finished", callId, command, cwd, output: text, exitCode: -1, durationMs: 0 });
  return failure(text);
}

function notStartedText(start: NotStarted): string {
  switch (start.type) {
    case "rejected":
      return start.reason === REJECTED ? `exec command ${REJECTED}` : start.reason;
    case "failed":
      return `execution error: ${ioErrorText(start.error)}`;
    case "unavailable":
      return `execution error: ${start.message}`;
  }
}

const ERROR_KINDS: Readonly<Record<string, string>> = {
  ENOENT: "NotFound",
  EACCES: "PermissionDenied",
  EPERM: "PermissionDenied",
  ENOTDIR: "NotADirectory",
  E2BIG: "ArgumentListTooLong",
  ENAMETOOLONG: "InvalidFilename",
};

/** `Io(Os { code: 2, kind: NotFound, message: "No such file or directory" })` */
function ioErrorText(error: unknown): string {
  const [, message, code] = /^(.*) \(os error (\d+)\)$/.exec(osErrorText(error)) ?? [];
  if (message === undefined) return messageOf(error);
  const kind = ERROR_KINDS[errnoOf(error) ?? ""] ?? "Uncategorized";
  return `Io(Os { code: ${code}, kind: ${kind}, message: ${rustDebug(message)} })`;
}
