import { statSync } from "node:fs";
import { applyVerified, describeFailure } from "#apply-patch/apply.ts";
import { fileChanges } from "#apply-patch/file-changes.ts";
import { parsePatch } from "#apply-patch/parse.ts";
import { describeForModel } from "#apply-patch/patch.ts";
import { summarize } from "#apply-patch/summarize.ts";
import { type VerifiedPatch, verifyPatch } from "#apply-patch/verify.ts";
import { monotonicMs } from "#lib/clock.ts";
import { CodexError, osErrorText } from "#lib/errors.ts";
import { Semaphore } from "#lib/semaphore.ts";
import { writableRoots } from "#sandbox/roots.ts";
import { structuredJson } from "../shell/structured-output.ts";
import { failure } from "../text-result.ts";
import type { ToolContext, ToolResult } from "../tool.ts";
import { decidePatch } from "./patch-policy.ts";

/** How a patch command ended; `exitCode` is null when it was killed. */
export interface PatchCommandResult {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

export interface PatchRunDeps {
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
 * The one way a model's patch reaches files: parse, verify, decide, then write. Until a patch is verified
 * and allowed there is no event. Under danger-full-access it is written in this process; otherwise a
 * child inside the sandbox does it all again, because a command that runs at the same time could swap a
 * folder for a link between our check and our write.
 */
export function createPatchRunner(deps: PatchRunDeps): RunVerifiedPatch {
  return (args) => oneAtATime.run(() => runPatch(args, deps));
}

/** Calls may overlap; two patches for one file would each be computed from the content before both. */
const oneAtATime = new Semaphore(1);

async function runPatch(
  { patch, workdir, context, callId }: Parameters<RunVerifiedPatch>[0],
  deps: PatchRunDeps,
): Promise<ToolResult> {
  context.signal.throwIfAborted();
  const checked = checkPatch(patch, workdir, context);
  if (typeof checked === "string") return failure(checked);
  const changes = await fileChanges(checked.edits);
  context.signal.throwIfAborted();
  context.emit({ type: "patch_started", callId, changes });
  const startedMs = monotonicMs();
  const { exitCode, output } = await execute(checked, { patch, cwd: workdir, context }, deps);
  const durationMs = monotonicMs() - startedMs;
  context.emit({ type: "patch_finished", callId, changes, success: exitCode === 0, output, durationMs });
  return { output: structuredJson({ output, exitCode, durationMs }), success: exitCode === 0 };
}

/** The patch ready to be written, or what the model is told instead. */
function checkPatch(text: string, workdir: string, context: ToolContext): VerifiedPatch | string {
  const patch = parsePatch(text);
  if (patch.type !== "patch") return verificationFailed(describeForModel(patch));
  if (patch.hunks.length === 0) return "patch rejected: empty patch";
  const missing = folderProblem(workdir);
  if (missing !== undefined) return verificationFailed(missing);
  const verified = verifyPatch(patch, workdir);
  if (verified.type !== "verified") return verificationFailed(describeForModel(verified));
  const { sandbox } = context;
  const realPaths = verified.steps.map((step) => step.target);
  const decision = decidePatch(sandbox.policy, realPaths, writableRoots(sandbox));
  return decision.allow ? verified : `patch rejected: ${decision.reason}`;
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

async function execute(
  verified: VerifiedPatch,
  run: Parameters<PatchRunDeps["spawnSelf"]>[0],
  deps: PatchRunDeps,
): Promise<Outcome> {
  if (run.context.sandbox.policy.type === "danger-full-access") return applyHere(verified, run.context.signal);
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

function applyHere(verified: VerifiedPatch, signal: AbortSignal): Outcome {
  const outcome = applyVerified(verified, { signal });
  return outcome.ok ? { exitCode: 0, output: summarize(verified) } : { exitCode: 1, output: describeFailure(outcome) };
}
