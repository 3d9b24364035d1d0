import { environment } from "#lib/env.ts";
import type { SpawnPlan } from "#sandbox/sandbox.ts";

/** A plan without a sandbox, counting the calls of its own end. */
export function plainPlan(argv: string[], overrides: Partial<SpawnPlan> = {}): SpawnPlan & { calls: string[] } {
  const calls: string[] = [];
  return {
    argv,
    cwd: "/",
    env: { ...environment(), TERM: "dumb" },
    inheritFds: [],
    release: () => calls.push("release"),
    finished: () => calls.push("finished"),
    startFailure: () => undefined,
    backend: "none",
    calls,
    ...overrides,
  };
}

/** A plan for a bash script. */
export function scriptPlan(script: string): SpawnPlan & { calls: string[] } {
  return plainPlan(["/bin/bash", "-c", script]);
}

/** Whether a process exists and is no zombie. */
export async function isAlive(pid: number): Promise<boolean> {
  const stat = await Bun.file(`/proc/${pid}/stat`)
    .text()
    .catch(() => "");
  return stat !== "" && !/\) Z /.test(stat);
}

/** Waits until the condition holds; fails after a generous time. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error("the condition did not come true within 10 s");
    await Bun.sleep(10);
  }
}
