import { writeStderr, writeStdout } from "#lib/stdio.ts";
import { applyVerified, describeFailure } from "./apply.ts";
import { parsePatch } from "./parse.ts";
import { describeForCommand } from "./patch.ts";
import { summarize } from "./summarize.ts";
import { verifyPatch } from "./verify.ts";

/** What the command reads and writes besides files. */
export interface PatchCommandIo {
  /** Everything on standard input; asked only when there is no argument. */
  readStdin(): Promise<Uint8Array>;
  stdout(text: string): void;
  stderr(text: string): void;
  /** Absolute; relative paths of the patch start here. */
  cwd: string;
}

const USAGE = "Usage: apply_patch 'PATCH'\n       echo 'PATCH' | apply_patch\n";

/**
 * The `apply_patch` command: the patch is the one argument or standard input. Nothing is written unless
 * every hunk fits. Exit codes: 0 applied, 1 not applied, 2 wrong usage. Confining the writes is up to
 * whoever starts it: inside the sandbox the kernel does.
 */
export async function runApplyPatchCli(args: readonly string[], io: PatchCommandIo = processIo()): Promise<number> {
  if (args.length > 1) return fail(io, 2, "Error: apply_patch accepts exactly one argument.\n");
  const text = args[0] ?? (await readPatch(io));
  if (text === undefined)
    return fail(io, 1, "Error: Failed to read PATCH from stdin.\nstream did not contain valid UTF-8\n");
  if (text === "" && args.length === 0) return fail(io, 2, USAGE);
  return applyText(text, io);
}

function applyText(text: string, io: PatchCommandIo): number {
  const patch = parsePatch(text);
  if (patch.type !== "patch") return fail(io, 1, `${describeForCommand(patch)}\n`);
  if (patch.hunks.length === 0) return fail(io, 1, "No files were modified.\n");
  const verified = verifyPatch(patch, io.cwd);
  if (verified.type !== "verified") return fail(io, 1, `${describeForCommand(verified)}\n`);
  const outcome = applyVerified(verified);
  if (!outcome.ok) return fail(io, 1, describeFailure(outcome));
  io.stdout(summarize(verified));
  return 0;
}

/** The text on standard input, or undefined when it is not UTF-8. */
async function readPatch(io: PatchCommandIo): Promise<string | undefined> {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await io.readStdin());
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function fail(io: PatchCommandIo, exitCode: number, text: string): number {
  io.stderr(text);
  return exitCode;
}

function processIo(): PatchCommandIo {
  return { readStdin: () => Bun.stdin.bytes(), stdout: writeStdout, stderr: writeStderr, cwd: process.cwd() };
}
