import { environment } from "#lib/env.ts";
import { CodexError } from "#lib/errors.ts";
import { RUN_AS_APPLY_PATCH, selfCommand } from "#lib/self.ts";
import { childInput } from "#process/child-input.ts";
import { withoutProxy } from "#sandbox/network-access.ts";
import type { SpawnPlan } from "#sandbox/sandbox.ts";
import type { PatchRunDeps } from "#tools/apply-patch/run-patch.ts";
import type { Engines } from "./engines.ts";

/** The patch engine needs no more of the environment than this; nothing of ours leaks by it. */
const PASSED_VARIABLES = ["PATH", "HOME", "TMPDIR", "LANG"];

/** Runs this program as the patch engine inside the context's sandbox. */
export function patchInSandbox(engines: Engines): PatchRunDeps["spawnSelf"] {
  return async ({ patch, cwd, context }) => {
    const own = environment();
    const env = Object.fromEntries(PASSED_VARIABLES.flatMap((name) => (own[name] ? [[name, own[name]]] : [])));
    const command = { argv: [...selfCommand(), RUN_AS_APPLY_PATCH], cwd, env, tty: false };
    const plan = engines.sandbox.plan(command, withoutProxy(context.sandbox));
    if ("unavailable" in plan) throw new CodexError("sandbox_unavailable", plan.message);
    try {
      const child = start(plan, Buffer.from(patch), context.signal);
      plan.release();
      const [stdout, stderr] = await Promise.all([readText(child.stdout), readText(child.stderr), child.exited]);
      context.signal.throwIfAborted();
      const failure = child.exitCode === 0 ? undefined : plan.startFailure(stderr);
      if (failure !== undefined) throw new CodexError("sandbox_failed", failure.message);
      return { exitCode: child.exitCode, stdout, stderr };
    } finally {
      plan.finished();
    }
  };
}

function start(plan: SpawnPlan, patch: Uint8Array, signal: AbortSignal) {
  using input = childInput(patch);
  return Bun.spawn(plan.argv, {
    cwd: plan.cwd,
    env: plan.env,
    detached: true,
    signal,
    stdio: [input.stdin, "pipe", "pipe", ...plan.inheritFds],
  });
}

function readText(stream: unknown): Promise<string> {
  return new Response(stream as ReadableStream<Uint8Array>).text();
}
