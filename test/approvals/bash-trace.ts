import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Runs scripts with the real bash, where every program is missing, and tells which ones it looked for. */
export interface BashTrace extends Disposable {
  /** Words of every command that bash tried to run, in no particular order; undefined when bash did not end. */
  run(script: string): Promise<string[][] | undefined>;
}

/**
 * With an empty PATH each program ends in bash's handler for unknown commands, which writes down the words it was
 * given. Builtins run for real, in an empty folder. Every command fails, so loops end.
 */
const PRELUDE = `
exec 9>&1 >/dev/null 2>&1 </dev/null
command_not_found_handle() { builtin printf '%s\\0' "$@" $'\\x01' >&9; return 1; }
export -f command_not_found_handle
`;

export function bashTrace(): BashTrace {
  const root = mkdtempSync(join(tmpdir(), "codex-bash-trace-"));
  return {
    async run(script) {
      const cwd = mkdtempSync(join(root, "run-"));
      const child = Bun.spawn(["/bin/bash", "--norc", "--noprofile", "-c", `${PRELUDE}eval -- "$1"`, "bash", script], {
        cwd,
        env: { PATH: "/nonexistent", HOME: "/home/of/nobody" },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "ignore",
      });
      const deadline = setTimeout(() => child.kill("SIGKILL"), 5_000);
      const text = await new Response(child.stdout).text();
      await child.exited;
      clearTimeout(deadline);
      if (child.signalCode !== null) return undefined;
      return text
        .split("\x01\0")
        .slice(0, -1)
        .map((words) => words.split("\0").slice(0, -1));
    },
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}
