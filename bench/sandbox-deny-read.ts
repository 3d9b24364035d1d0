import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { monotonicMs } from "#lib/clock.ts";
import { environment } from "#lib/env.ts";
import { prepareSandbox } from "#sandbox/select.ts";

/**
 * What 100 matches of `deny_read` cost beside bubblewrap called by hand with the same mounts. Every round runs
 * both, so that load on the machine falls on both; figures are medians. `files` spreads them over one
 * folder each, so that nothing can be put together; `folder` is one folder that is denied as a whole.
 */
const MATCHES = 100;
const ROUNDS = 40;
const WANTED = 1.3;

const workspace = mkdtempSync(join(process.cwd(), ".cache-sandbox-deny-"));
const env = { ...environment(), HOME: workspace };
const sandbox = prepareSandbox();

function plan(pattern: string) {
  const planned = sandbox.plan(
    { argv: ["/usr/bin/true"], cwd: workspace, env, tty: false },
    {
      policy: {
        type: "workspace-write",
        ...{ network_access: false, exclude_slash_tmp: true, exclude_tmpdir_env_var: true },
        deny_read: [pattern],
      },
      ...{ sessionCwd: workspace, tmpdir: undefined, codexHome: join(workspace, ".codex-home") },
    },
  );
  if ("unavailable" in planned) throw new Error(planned.message);
  return planned;
}

async function sandboxed(pattern: string): Promise<void> {
  const planned = plan(pattern);
  const { argv, cwd, inheritFds } = planned;
  const child = Bun.spawn(argv, { cwd, env: planned.env, stdio: ["ignore", "ignore", "inherit", ...inheritFds] });
  planned.release();
  const exitCode = await child.exited;
  planned.finished();
  if (exitCode !== 0) throw new Error("the sandboxed command failed");
}

/** The same command line but for the filter and the status, which take descriptors. */
function byHand(pattern: string): string[] {
  const planned = plan(pattern);
  planned.finished();
  const argv = [...planned.argv];
  for (const option of ["--seccomp", "--json-status-fd"]) argv.splice(argv.indexOf(option), 2);
  return argv;
}

async function bare(argv: string[]): Promise<void> {
  if ((await Bun.spawn(argv, { cwd: workspace, env, stdio: ["ignore", "ignore", "inherit"] }).exited) !== 0) {
    throw new Error(`"${argv.slice(0, 5).join(" ")} …" failed`);
  }
}

async function measure(name: string, pattern: string): Promise<void> {
  // Kept for the whole measurement: the protected names have to be there for the command by hand.
  const kept = plan(pattern);
  const argv = byHand(pattern);
  const samples: { ours: number[]; hand: number[] } = { ours: [], hand: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const [list, run] of [
      [samples.ours, () => sandboxed(pattern)],
      [samples.hand, () => bare(argv)],
    ] as const) {
      const start = monotonicMs();
      await run();
      list.push(monotonicMs() - start);
    }
  }
  kept.finished();
  const [ours, hand] = [median(samples.ours), median(samples.hand)];
  const mounts = argv.filter((word) => word === "--ro-bind" || word === "--bind" || word === "--tmpfs").length;
  const ratio = ours / hand;
  console.log(
    `${name}: ${ours.toFixed(1)} ms, by hand ${hand.toFixed(1)} ms (${mounts} mounts): ${ratio.toFixed(2)} x (wanted: at most ${WANTED})`,
  );
  if (!(ratio <= WANTED)) process.exitCode = 1;
}

function median(values: number[]): number {
  return values.sort((left, right) => left - right)[values.length >> 1] ?? Number.NaN;
}

try {
  for (let index = 0; index < MATCHES; index++) {
    mkdirSync(join(workspace, "files", `${index}`), { recursive: true });
    writeFileSync(join(workspace, "files", `${index}`, "key.pem"), "");
    writeFileSync(join(workspace, "files", `${index}`, "source"), "");
    mkdirSync(join(workspace, "flat"), { recursive: true });
    writeFileSync(join(workspace, "flat", `${index}.key`), "");
    writeFileSync(join(workspace, "flat", `${index}.source`), "");
    mkdirSync(join(workspace, "folder"), { recursive: true });
    writeFileSync(join(workspace, "folder", `${index}.secret`), "");
  }
  await measure(`${MATCHES} files in one folder`, "**/*.key");
  await measure(`${MATCHES} files in ${MATCHES} folders`, "**/*.pem");
  await measure("a folder of which everything matches", "**/*.secret");
} finally {
  rmSync(workspace, { recursive: true, force: true });
}
