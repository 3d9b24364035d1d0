import type { Sandbox, SandboxContext } from "./sandbox.ts";

/** What came of a script in the sandbox. */
export type ScriptRun =
  | { unavailable: string }
  | { unavailable: undefined; stdout: string; program: string; backend: string };

export interface Script {
  text: string;
  /** Absolute. */
  cwd: string;
  env: Record<string, string>;
}

/** Runs a shell script to its end under the context; what it prints on standard error is only for a start that failed. */
export async function runScript(sandbox: Sandbox, context: SandboxContext, script: Script): Promise<ScriptRun> {
  const { text, cwd, env } = script;
  const plan = sandbox.plan({ argv: ["/bin/sh", "-c", text], cwd, env, tty: false }, context);
  if ("unavailable" in plan) return { unavailable: plan.message };
  try {
    const { argv, inheritFds, backend } = plan;
    const stdio = ["ignore", "pipe", "pipe", ...inheritFds] as ["ignore", "pipe", "pipe", ...number[]];
    const child = Bun.spawn(argv, { cwd: plan.cwd, env: plan.env, stdio });
    plan.release();
    const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    const exitCode = await child.exited;
    const failure = exitCode === 0 ? undefined : plan.startFailure(stderr);
    if (failure !== undefined) return { unavailable: failure.message };
    return { unavailable: undefined, stdout, program: argv[0] ?? "", backend };
  } finally {
    plan.finished();
  }
}
