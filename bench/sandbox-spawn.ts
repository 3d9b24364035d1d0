import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monotonicMs } from "#lib/clock.ts";
import { environment } from "#lib/env.ts";
import type { ProxiedNetwork, Sandbox, SandboxContext, SpawnPlan } from "#sandbox/sandbox.ts";
import { prepareSandbox } from "#sandbox/select.ts";

/**
 * What a sandboxed command costs beside bubblewrap called by hand. Every round measures each variant
 * once, so that load on the machine falls on all of them; figures are medians.
 */
const ROUNDS = 60;
const LOOPS = 5;
const LOOP_COMMANDS = 20;
const WANTED = 1.7;

const home = mkdtempSync(join(tmpdir(), "sandbox-spawn-"));
const workspace = mkdtempSync(join(process.cwd(), ".cache-sandbox-spawn-"));
const sandbox = prepareSandbox();
const landlock = prepareSandbox({ legacyLandlock: true });
const env = { ...environment(), HOME: home };

const BY_HAND = [
  ...["/usr/bin/bwrap", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net"],
  ...["--cap-drop", "ALL", "--new-session", "--die-with-parent"],
  ...["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"],
  ...["--bind", "/tmp", "/tmp", "--bind", workspace, workspace],
];

function context(type: "read-only" | "workspace-write"): SandboxContext {
  const policy: SandboxContext["policy"] =
    type === "read-only"
      ? { type }
      : { type, network_access: false, exclude_slash_tmp: false, exclude_tmpdir_env_var: false };
  return { policy, sessionCwd: workspace, tmpdir: undefined, codexHome: join(home, ".codex") };
}

async function spawnPlain(argv: string[]): Promise<void> {
  const child = Bun.spawn(argv, { cwd: workspace, env, stdio: ["ignore", "ignore", "inherit"] });
  if ((await child.exited) !== 0) throw new Error(`"${argv.join(" ")}" failed`);
}

/** A proxy that nobody talks to: what is measured is how a command gets behind it. */
const ended = new AbortController();
const socketPath = join(home, "s");
const listener = Bun.listen({ unix: socketPath, socket: { data: () => {} } });
const network: ProxiedNetwork = { open: () => ({ socketPath, environment: () => ({}) }), closed: ended.signal };

async function spawnSandboxed(
  argv: string[],
  type: "read-only" | "workspace-write",
  { by = sandbox, ...more }: { by?: Sandbox; network?: ProxiedNetwork } = {},
): Promise<void> {
  const plan = by.plan({ argv, cwd: workspace, env, tty: false }, { ...context(type), ...more });
  if ("unavailable" in plan) throw new Error(plan.message);
  const child = spawnPlanned(plan);
  plan.release();
  const exitCode = await child.exited;
  plan.finished();
  if (exitCode !== 0) throw new Error(`"${argv.join(" ")}" failed in the sandbox`);
}

function spawnPlanned(plan: SpawnPlan) {
  const { argv, cwd, env, inheritFds } = plan;
  return Bun.spawn(argv, { cwd, env, stdio: ["ignore", "ignore", "inherit", ...inheritFds] });
}

type Variant = () => Promise<void>;

async function medians(variants: Record<string, Variant>, rounds: number): Promise<Record<string, number>> {
  const samples: Record<string, number[]> = {};
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(variants)) {
      const start = monotonicMs();
      await run();
      const list = samples[name] ?? [];
      list.push(monotonicMs() - start);
      samples[name] = list;
    }
  }
  return Object.fromEntries(Object.entries(samples).map(([name, list]) => [name, median(list)]));
}

function median(values: number[]): number {
  return values.sort((left, right) => left - right)[values.length >> 1] ?? Number.NaN;
}

function repeat(count: number, run: Variant): Variant {
  return async () => {
    for (let index = 0; index < count; index++) await run();
  };
}

function report(what: string, ratio: number): void {
  console.log(`${what}: ${ratio.toFixed(2)} x the floor (wanted: at most ${WANTED})`);
  if (!(ratio <= WANTED)) process.exitCode = 1;
}

try {
  const first = monotonicMs();
  await spawnSandboxed(["/usr/bin/true"], "workspace-write");
  console.log(`first command of the process: ${(monotonicMs() - first).toFixed(1)} ms`);

  const start = monotonicMs();
  await spawnSandboxed(["/usr/bin/true"], "workspace-write", { network });
  console.log(`first command behind the proxy, which starts the bridge: ${(monotonicMs() - start).toFixed(1)} ms`);

  const single = await medians(
    {
      bare: () => spawnPlain(["/usr/bin/true"]),
      byHand: () => spawnPlain([...BY_HAND, "/usr/bin/true"]),
      readOnly: () => spawnSandboxed(["/usr/bin/true"], "read-only"),
      workspaceWrite: () => spawnSandboxed(["/usr/bin/true"], "workspace-write"),
      readOnlyProxied: () => spawnSandboxed(["/usr/bin/true"], "read-only", { network }),
      workspaceWriteProxied: () => spawnSandboxed(["/usr/bin/true"], "workspace-write", { network }),
      landlock: () => spawnSandboxed(["/usr/bin/true"], "workspace-write", { by: landlock }),
    },
    ROUNDS,
  );
  for (const [name, ms] of Object.entries(single)) console.log(`/usr/bin/true, ${name}: ${ms.toFixed(2)} ms`);
  const { bare = 0, byHand = 0, readOnly = 0, workspaceWrite = 0 } = single;
  const { readOnlyProxied = 0, workspaceWriteProxied = 0 } = single;
  report("read-only, added cost", (readOnly - bare) / (byHand - bare));
  report("workspace-write, added cost", (workspaceWrite - bare) / (byHand - bare));

  report("read-only behind the proxy, added cost", (readOnlyProxied - bare) / (byHand - bare));
  report("workspace-write behind the proxy, added cost", (workspaceWriteProxied - bare) / (byHand - bare));

  const shell = ["bash", "-lc", "true"];
  const loops = await medians(
    {
      byHand: repeat(LOOP_COMMANDS, () => spawnPlain([...BY_HAND, ...shell])),
      sandboxed: repeat(LOOP_COMMANDS, () => spawnSandboxed(shell, "workspace-write")),
    },
    LOOPS,
  );
  for (const [name, ms] of Object.entries(loops)) console.log(`20 x bash -lc true, ${name}: ${ms.toFixed(0)} ms`);
  report("20 x bash -lc true", (loops.sandboxed ?? 0) / (loops.byHand ?? 0));

  const planOnly = await medians(
    {
      plan: async () => {
        const plan = sandbox.plan(
          { argv: ["/usr/bin/true"], cwd: workspace, env, tty: false },
          context("workspace-write"),
        );
        if (!("unavailable" in plan)) plan.finished();
      },
    },
    ROUNDS,
  );
  console.log(`planning alone: ${(planOnly.plan ?? 0).toFixed(2)} ms`);
} finally {
  ended.abort();
  listener.stop(true);
  rmSync(home, { recursive: true, force: true });
  rmSync(workspace, { recursive: true, force: true });
}
