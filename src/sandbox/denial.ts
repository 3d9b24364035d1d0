/** Texts of programs that were refused something, in lower case. The released 0.101 looks for the same ones. */
const REFUSAL_TEXTS = [
  "operation not permitted",
  "permission denied",
  "read-only file system",
  "seccomp",
  "sandbox",
  "landlock",
  "failed to write file",
];

/** 128 + SIGSYS: the filter killed the command (a call in a foreign ABI). */
const KILLED_BY_FILTER = 159;

/**
 * Whether a sandboxed command that ended probably did so because the sandbox refused it something. A
 * guess from the exit code and everything it printed: it decides whether to offer a run without the
 * sandbox, never whether something is safe.
 */
export function looksDenied(result: { exitCode: number; output: string }): boolean {
  if (result.exitCode === 0) return false;
  if (result.exitCode === KILLED_BY_FILTER) return true;
  const output = result.output.toLowerCase();
  return REFUSAL_TEXTS.some((text) => output.includes(text));
}
