import { constants } from "node:os";
import { isatty } from "node:tty";
import { CodexError } from "#lib/errors.ts";
import { writeStderr, writeWarning } from "#lib/stdio.ts";
import { LANDLOCK_WARNING } from "#sandbox/linux/landlock-warning.ts";
import { DenialLog, denialReport } from "#sandbox/macos/denial-log.ts";
import type { Sandbox, SpawnPlan } from "#sandbox/sandbox.ts";
import { prepareSandbox } from "#sandbox/select.ts";
import { findProgram } from "./find-program.ts";
import type { SandboxCliOptions, SandboxKind } from "./options.ts";
import { resolveRun, type SandboxRun } from "./policy.ts";

/**
 * Runs the command under the policy with this process's standard streams and resolves to its exit code:
 * its own, 128 + n after signal n, 127 for a program that is missing and 126 for one that cannot be executed.
 */
export async function runInSandbox(
  kind: SandboxKind,
  words: readonly string[],
  options: SandboxCliOptions,
): Promise<number> {
  refuseForeign(kind);
  const run = await resolveRun(options);
  for (const warning of run.warnings) writeWarning(warning);
  if (run.context.policy.type === "danger-full-access") {
    writeWarning('sandbox_mode is "danger-full-access", so the command runs without a sandbox');
  }
  const isWeak = run.legacyLandlock && process.platform === "linux" && run.context.policy.type !== "danger-full-access";
  if (isWeak) writeWarning(LANDLOCK_WARNING);
  const wantsLog = options.logDenials === true && run.context.policy.type !== "danger-full-access";
  if (wantsLog && process.platform !== "darwin") {
    writeWarning("--log-denials works on macOS only: the kernel here keeps no log of what a sandbox refuses");
  }
  const [program = ""] = words;
  const search = findProgram(program, { cwd: run.cwd, path: run.env.PATH });
  if (!search.found) {
    writeStderr(`Error: cannot execute "${program}": ${search.reason}\n`);
    return search.exitCode;
  }
  run.network?.announceTo((event) => event.type === "warning" && writeWarning(event.message));
  const denials = wantsLog && process.platform === "darwin" ? await DenialLog.start() : undefined;
  try {
    return await runToEnd(prepareSandbox({ legacyLandlock: run.legacyLandlock }), words, run);
  } finally {
    run.network?.close();
    if (denials !== undefined) writeStderr(denialReport(await denials.finish()));
  }
}

/** Another system's sandbox is refused in the words of Codex CLI. */
function refuseForeign(kind: SandboxKind): void {
  const wanted = { linux: "linux", macos: "darwin", windows: "win32" } as const;
  if (kind === undefined || wanted[kind] === process.platform) return;
  throw new CodexError("sandbox_platform", FOREIGN[kind]);
}

const FOREIGN = {
  linux: "Landlock sandbox is only available on Linux",
  macos: "Seatbelt sandbox is only available on macOS",
  windows: "Windows sandbox is only available on Windows",
} as const;

async function runToEnd(sandbox: Sandbox, argv: readonly string[], run: SandboxRun): Promise<number> {
  const { cwd, env, context } = run;
  const plan = sandbox.plan({ argv, cwd, env, tty: isatty(0) }, context);
  if ("unavailable" in plan) throw new CodexError("sandbox_unavailable", plan.message);
  try {
    const { exitCode, bySignal } = await exitOf(plan);
    // Standard error went to the user, so its text cannot be asked: a start that failed is told by the rest.
    const neverRan = exitCode !== 0 && !bySignal && plan.startFailure("bwrap: ") !== undefined;
    return neverRan ? await explainStart(sandbox, run) : exitCode;
  } finally {
    plan.finished();
  }
}

/** Whether the sandbox itself cannot start, which is an error, or only this program: then 126, its reason is on screen. */
async function explainStart(sandbox: Sandbox, { cwd, env, context }: SandboxRun): Promise<number> {
  const plan = sandbox.plan({ argv: ["/bin/true"], cwd, env, tty: false }, context);
  if ("unavailable" in plan) throw new CodexError("sandbox_unavailable", plan.message);
  try {
    const child = Bun.spawn(plan.argv, { ...placeOf(plan), stdio: ["ignore", "ignore", "pipe", ...plan.inheritFds] });
    plan.release();
    const [stderr, exitCode] = await Promise.all([new Response(child.stderr).text(), child.exited]);
    const failure = exitCode === 0 ? undefined : plan.startFailure(stderr);
    if (failure?.unavailable === true) throw new CodexError("sandbox_unavailable", failure.message);
    return 126;
  } finally {
    plan.finished();
  }
}

/** Runs until the command has ended. The keyboard's signals are the command's; requests to end are handed on. */
async function exitOf(plan: SpawnPlan): Promise<{ exitCode: number; bySignal: boolean }> {
  const forwarded = ["SIGTERM", "SIGHUP"] as const;
  const ignored = ["SIGINT", "SIGQUIT"] as const;
  const ignore = () => {};
  for (const signal of ignored) process.on(signal, ignore);
  const child = Bun.spawn(plan.argv, {
    ...placeOf(plan),
    stdio: ["inherit", "inherit", "inherit", ...plan.inheritFds],
  });
  plan.release();
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  for (const signal of forwarded) process.on(signal, forward);
  await child.exited;
  for (const signal of forwarded) process.off(signal, forward);
  for (const signal of ignored) process.off(signal, ignore);
  const signal = Object.entries(constants.signals).find(([name]) => name === child.signalCode);
  return signal === undefined
    ? { exitCode: child.exitCode ?? 1, bySignal: false }
    : { exitCode: 128 + signal[1], bySignal: true };
}

function placeOf({ cwd, env }: SpawnPlan) {
  return { cwd, env };
}
