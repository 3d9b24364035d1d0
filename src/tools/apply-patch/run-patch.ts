import { statSync } from "node:fs";
import { resolve } from "node:path";
import { applyVerified, describeFailure, isPartlyDone } from "#apply-patch/apply.ts";
import { fileChanges } from "#apply-patch/file-changes.ts";
import { parsePatch } from "#apply-patch/parse.ts";
import { describeForModel, type Patch } from "#apply-patch/patch.ts";
import { summarize } from "#apply-patch/summarize.ts";
import { type VerifiedPatch, verifyPatch } from "#apply-patch/verify.ts";
import type { SessionApprovals } from "#approvals/session-cache.ts";
import { monotonicMs } from "#lib/clock.ts";
import { CodexError, osErrorText } from "#lib/errors.ts";
import { Semaphore } from "#lib/semaphore.ts";
import type { FileChange } from "#protocol/file-change.ts";
import { looksDenied } from "#sandbox/denial.ts";
import { deniesRead } from "#sandbox/deny-read.ts";
import { writableRoots } from "#sandbox/roots.ts";
import { canAsk, consentToPatch, type PatchQuestion, REJECTED, RETRY_REASON } from "../consent.ts";
import { structuredJson } from "../shell/structured-output.ts";
import { failure } from "../text-result.ts";
import type { ToolContext, ToolResult } from "../tool.ts";
import { decidePatch, type PatchDecision } from "./patch-policy.ts";

/** How a patch command ended; `exitCode` is null when it was killed. */
export interface PatchCommandResult {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

export interface PatchRunDeps {
  /** What the user approved for the session. */
  approvals: SessionApprovals;
  /**
   * Runs this program's own `apply_patch` inside the sandbox of the context, `patch` on its standard input
   * (an argument is limited to 128 KiB on Linux). Rejects with a CodexError when the sandbox cannot be
   * had, and with the signal's reason when the turn is interrupted.
   */
  spawnSelf(args: { patch: string; cwd: string; context: ToolContext }): Promise<PatchCommandResult>;
}

/** Runs the patch text in `workdir` (absolute) as the apply_patch tool does, checks included. */
export type RunVerifiedPatch = (args: {
  patch: string;
  workdir: string;
  context: ToolContext;
  callId: string;
}) => Promise<ToolResult>;

/**
 * The one way a model's patch reaches files: parse, verify, decide, ask, then write. Until a patch is verified
 * and not refused there is no event. Under danger-full-access it is written in this process, and so is one a person
 * let out of the sandbox, to the very files that were named in the question; otherwise a child inside the sandbox
 * does it all again, because a command that runs at the same time could swap a folder for a link between our check
 * and our write.
 */
export function createPatchRunner(deps: PatchRunDeps): RunVerifiedPatch {
  return async (args) => {
    let permit: Permit | undefined;
    for (;;) {
      const known = permit;
      const outcome = await oneAtATime.run(() => attempt(args, known, deps));
      if (!("question" in outcome)) return outcome;
      const { question } = outcome;
      // Nobody else's patch waits while a person thinks: afterwards everything is verified again.
      if (!question.isAnnounced) announce(args, { changes: question.changes, autoApproved: false });
      const consent = await consentToPatch({ ...question, callId: args.callId }, args.context, deps);
      permit = { ...question, startedMs: monotonicMs() };
      if (!consent.granted) return refused(refusalText(consent.reason), permit, args);
    }
  };
}

/** Calls may overlap; two patches for one file would each be computed from the content before both. */
const oneAtATime = new Semaphore(1);

interface Question extends Omit<PatchQuestion, "callId"> {
  /** Whether front ends have heard of the patch. */
  isAnnounced: boolean;
}

/** What a person was asked, and allowed. */
interface Permit extends Omit<PatchQuestion, "callId"> {
  startedMs: number;
}

type Arguments = Parameters<RunVerifiedPatch>[0];

async function attempt(
  args: Arguments,
  permit: Permit | undefined,
  deps: PatchRunDeps,
): Promise<ToolResult | { question: Question }> {
  const { patch, workdir, context, callId } = args;
  context.signal.throwIfAborted();
  const verified = verifiedPatch(patch, workdir, context);
  if (typeof verified === "string") return refused(verified, permit, args);
  const realPaths = verified.steps.map((step) => step.target);
  const changes = await fileChanges(verified.edits);
  context.signal.throwIfAborted();
  const decision = judge({ realPaths, changes }, permit, context);
  if (decision.type === "reject") return refused(`patch rejected: ${decision.reason}`, permit, args);
  const escalated = !decision.confined && context.sandbox.policy.type !== "danger-full-access";
  const isAnnounced = permit !== undefined;
  if (decision.type === "ask") return { question: { ...decision, escalated, changes, realPaths, isAnnounced } };
  if (!isAnnounced) announce(args, { changes, autoApproved: true });
  const startedMs = permit?.startedMs ?? monotonicMs();
  const run = { patch, cwd: workdir, context };
  const { exitCode, output } = await (decision.confined
    ? executeConfined(run, deps)
    : applyHere(verified, permit, context));
  const wasDenied = looksDenied({ exitCode, output }) && !isPartlyDone(output);
  if (decision.confined && wasDenied && mayRetry(context)) {
    const asked = { reason: RETRY_REASON, stated: RETRY_REASON, escalated: true, outside: realPaths };
    return { question: { ...asked, changes, realPaths, isAnnounced: true } };
  }
  const durationMs = monotonicMs() - startedMs;
  context.emit({ type: "patch_finished", callId, changes, success: exitCode === 0, output, durationMs });
  return { output: structuredJson({ output, exitCode, durationMs }), success: exitCode === 0 };
}

function announce({ context, callId }: Arguments, patch: { changes: FileChange[]; autoApproved: boolean }): void {
  context.emit({ type: "patch_started", callId, ...patch });
}

function mayRetry(context: ToolContext): boolean {
  return context.approvalPolicy !== "never" && canAsk(context);
}

/** A permit is for what was shown: where the files or what becomes of them are others by now, it is asked again. */
function judge(
  found: Pick<Permit, "realPaths" | "changes">,
  permit: Permit | undefined,
  context: ToolContext,
): PatchDecision {
  const { approvalPolicy, sandbox, forceAsk } = context;
  const { realPaths } = found;
  if (permit !== undefined && isSame(found, permit)) {
    return { type: "write", confined: !permit.escalated && sandbox.policy.type !== "danger-full-access" };
  }
  const roots = writableRoots(sandbox);
  const decision = decidePatch({ approvalPolicy, policy: sandbox.policy, realPaths, roots });
  const reason = permit === undefined ? forceAsk : "it is not what it was when you were asked";
  if (decision.type !== "write" || reason === undefined) return decision;
  return { type: "ask", reason, confined: decision.confined, outside: [] };
}

function isSame(found: Pick<Permit, "realPaths" | "changes">, { realPaths, changes }: Permit): boolean {
  return JSON.stringify([found.realPaths, found.changes]) === JSON.stringify([realPaths, changes]);
}

/** What was announced is also told ended. */
function refused(output: string, permit: Permit | undefined, { callId, context }: Arguments): ToolResult {
  if (permit !== undefined) {
    const { changes } = permit;
    context.emit({ type: "patch_finished", callId, changes, success: false, output, durationMs: 0 });
  }
  return failure(output);
}

function refusalText(reason: string): string {
  return reason === REJECTED ? `patch ${REJECTED}` : `patch rejected: ${reason}`;
}

/** The first path of the patch that commands cannot read either: telling what fits would tell what is in it. */
function hiddenPath({ hunks }: Patch, workdir: string, { sandbox }: ToolContext): string | undefined {
  const { policy } = sandbox;
  if (policy.type !== "workspace-write" || policy.deny_read === undefined || policy.deny_read.length === 0) {
    return undefined;
  }
  const paths = hunks.flatMap((hunk) => (hunk.type === "update" ? [hunk.path, hunk.movePath] : [hunk.path]));
  return paths.find((path) => path !== null && deniesRead(resolve(workdir, path), sandbox)) ?? undefined;
}

/** The patch ready to be written, or what the model is told instead. */
function verifiedPatch(text: string, workdir: string, context: ToolContext): VerifiedPatch | string {
  const patch = parsePatch(text);
  if (patch.type !== "patch") return verificationFailed(describeForModel(patch));
  if (patch.hunks.length === 0) return "patch rejected: empty patch";
  const missing = folderProblem(workdir);
  if (missing !== undefined) return verificationFailed(missing);
  const hidden = hiddenPath(patch, workdir, context);
  if (hidden !== undefined) return `patch rejected: "${hidden}" may be neither read nor written (deny_read)`;
  const verified = verifyPatch(patch, workdir);
  return verified.type === "verified" ? verified : verificationFailed(describeForModel(verified));
}

function verificationFailed(reason: string): string {
  return `apply_patch verification failed: ${reason}`;
}

function folderProblem(workdir: string): string | undefined {
  try {
    return statSync(workdir).isDirectory() ? undefined : `the working directory ${workdir} is not a directory`;
  } catch (error) {
    return `the working directory ${workdir} cannot be used: ${osErrorText(error)}`;
  }
}

interface Outcome {
  exitCode: number;
  output: string;
}

async function executeConfined(run: Parameters<PatchRunDeps["spawnSelf"]>[0], deps: PatchRunDeps): Promise<Outcome> {
  try {
    const { exitCode, stdout, stderr } = await deps.spawnSelf(run);
    return { exitCode: exitCode ?? KILLED, output: stdout + stderr };
  } catch (error) {
    if (error instanceof CodexError) return { exitCode: 1, output: `${error.message}\n` };
    throw error;
  }
}

/** Stands for "no exit code" where a number is needed. */
const KILLED = -1;

function applyHere(verified: VerifiedPatch, permit: Permit | undefined, { signal }: ToolContext): Outcome {
  const paths = permit && new Set(permit.realPaths);
  const outcome = applyVerified(
    verified,
    paths === undefined ? { signal } : { signal, allowed: (path) => paths.has(path) },
  );
  return outcome.ok ? { exitCode: 0, output: summarize(verified) } : { exitCode: 1, output: describeFailure(outcome) };
}
