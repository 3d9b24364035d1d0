import { fstatSync, readSync } from "node:fs";
import type { StartFailure } from "../sandbox.ts";
import { bwrapFailed, namespaceFacts } from "./diagnose.ts";

const MISSING_PROGRAM = /^bwrap: execvp (.*): No such file or directory$/m;
const UNUSABLE_PROGRAM = /^bwrap: execvp (.*): (.+)$/m;

/** Whether the command was executed and ended while bwrap was watching: only then bwrap writes its exit code down. */
export function hasEnded(status: string): boolean {
  return status.includes('"exit-code"');
}

/** Why the command never ran, if so: then the report of bwrap, or of nsenter before it, is the first thing on stderr. */
export function startFailure(status: string, stderr: string): StartFailure | undefined {
  if (status === "" && stderr.startsWith("nsenter: ")) return { unavailable: true, message: notEntered(stderr) };
  if (hasEnded(status) || !stderr.startsWith("bwrap: ")) return undefined;
  const missing = MISSING_PROGRAM.exec(stderr)?.[1];
  if (missing !== undefined) return programFailure(127, missing, "No such file or directory");
  const [, program, reason] = UNUSABLE_PROGRAM.exec(stderr) ?? [];
  if (program !== undefined && reason !== undefined) return programFailure(126, program, reason);
  return {
    unavailable: true,
    message: `Cannot run the command in a sandbox: ${bwrapFailed(stderr, namespaceFacts())}`,
  };
}

function notEntered(stderr: string): string {
  const [report = ""] = stderr.split("\n");
  return `Cannot run the command in a sandbox: the network namespace of the session could not be entered ("${report}"). Run it again; while [network] is enabled no command runs without it`;
}

/** What has been written to the file so far, from its beginning. */
export function readStatus(fd: number): string {
  const bytes = Buffer.alloc(Math.min(fstatSync(fd).size, 4096));
  return bytes.toString("utf8", 0, readSync(fd, bytes, 0, bytes.length, 0));
}

function programFailure(exitCode: 126 | 127, program: string, reason: string): StartFailure {
  return { unavailable: false, exitCode, message: `Cannot execute "${program}": ${reason}` };
}
