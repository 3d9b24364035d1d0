import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SpawnPlan } from "#sandbox/sandbox.ts";
import { prepareSandbox } from "#sandbox/select.ts";
import { expectedDifferences, isTried, landlockList } from "./battery/landlock.ts";
import { missingFor } from "./battery/needs.ts";
import { CLASSES, type Probe } from "./battery/probe.ts";
import { PROBES } from "./battery/probes/all.ts";
import { runProbes } from "./battery/run.ts";
import { startTestProxy } from "./proxied.ts";
import { accounts, contextOf, makePlace, type Place, whyNoLandlock, workspaceWrite } from "./support.ts";

const sandbox = prepareSandbox({ legacyLandlock: true });
setDefaultTimeout(180_000);

async function start(plan: ReturnType<typeof sandbox.plan>, prefix: readonly string[] = []) {
  if ("unavailable" in plan) throw new Error(plan.message);
  const { argv, cwd, env, inheritFds }: SpawnPlan = plan;
  const child = Bun.spawn([...prefix, ...argv], { cwd, env, stdio: ["ignore", "pipe", "pipe", ...inheritFds] });
  plan.release();
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  await child.exited;
  const failure = plan.startFailure(stderr);
  plan.finished();
  return { stdout, stderr, exitCode: child.exitCode, signal: child.signalCode, failure };
}

const planIn = (place: Place, argv: string[], env: Record<string, string> = {}) =>
  sandbox.plan({ argv, cwd: place.work, env: { PATH: "/usr/bin:/bin", ...env }, tty: false }, contextOf(place));

const skip = await whyNoLandlock();

describe.skipIf(skip !== undefined)("under Landlock", () => {
  test("a command keeps its exit code, signal, streams and environment, and a loader's variables come only to it", async () => {
    const place = makePlace();
    try {
      const script = 'echo "$LD_PRELOAD $CODEX_SANDBOX_NETWORK_DISABLED"; echo err >&2; exit 3';
      const run = await start(planIn(place, ["sh", "-c", script], { LD_PRELOAD: "/nowhere.so" }));
      expect([run.exitCode, run.stdout, run.failure]).toEqual([3, "/nowhere.so 1\n", undefined]);
      expect(run.stderr).toContain("err\n");
      expect((await start(planIn(place, ["sh", "-c", "kill -TERM $$"]))).signal).toBe("SIGTERM");
    } finally {
      place.remove();
    }
  });

  test.each(accounts)("nothing of ours is left in the command's process as $name", async (account) => {
    const place = makePlace(account);
    try {
      const script =
        "ls /proc/self/fd | wc -l; grep -E '^(Sig(Blk|Ign)|Cap(Eff|Prm)|NoNewPrivs|Seccomp):' /proc/self/status";
      const { stdout } = await start(planIn(place, ["sh", "-c", script]), account.prefix);
      const values = Object.fromEntries(stdout.split("\n").map((line) => line.split(/:\s*/)));
      const none = "0000000000000000";
      // 0, 1, 2 and the folder ls is reading.
      expect(stdout.split("\n")[0]?.trim()).toBe("4");
      expect(values).toMatchObject({
        SigBlk: none,
        SigIgn: none,
        CapEff: none,
        CapPrm: none,
        NoNewPrivs: "1",
        Seccomp: "2",
      });
    } finally {
      place.remove();
    }
  });

  test("a program that is missing is 127, one that cannot be executed 126, a script without a first line runs", async () => {
    const place = makePlace();
    try {
      writeFileSync(join(place.work, "text"), "exit 5\n");
      writeFileSync(join(place.work, "script"), "exit 5\n", { mode: 0o755 });
      mkdirSync(join(place.work, "folder"));
      const ends = await Promise.all(
        ["nowhere-to-be-found", "./nowhere", "./text", "./folder", "./script"].map((program) =>
          start(planIn(place, [program])),
        ),
      );
      const failures = ends.map(({ failure }) => (failure?.unavailable === false ? failure.exitCode : failure));
      expect(failures).toEqual([127, 127, 126, 126, undefined]);
      expect(ends.at(-1)?.exitCode).toBe(5);
    } finally {
      place.remove();
    }
  });

  describe.each(accounts)("as $name", (account) => {
    test.each(["read-only", "workspace-write"] as const)("exactly the known probes end otherwise, %s", async (mode) => {
      const tried = PROBES.filter((probe) => isTried(probe.class) && missingFor(probe) === undefined);
      const { always, perhaps } = expectedDifferences(mode);
      const expected = (probe: Probe) => (mode === "read-only" ? probe.readOnly : probe.workspaceWrite);
      const differing = async (name: (typeof CLASSES)[number]) => {
        const probes = tried.filter((probe) => probe.class === name);
        const outcomes = await runProbes(probes, { account, mode, legacyLandlock: true });
        return probes.filter((probe) => outcomes.get(probe.id) !== expected(probe)).map(({ id }) => id);
      };
      const wrong = (await Promise.all(CLASSES.map(differing))).flat();
      const known = new Set(tried.map(({ id }) => id));
      expect(wrong.filter((id) => !perhaps.includes(id)).sort()).toEqual(always.filter((id) => known.has(id)));
    });
  });
});

test("what it cannot enforce is refused", () => {
  const place = makePlace();
  const [account] = accounts;
  if (account === undefined) throw new Error("no account to run as");
  const proxy = startTestProxy(join(place.codexHome, "sockets"), account, []);
  try {
    const command = { argv: ["true"], cwd: place.work, env: {}, tty: false };
    const denied = contextOf(place, { policy: workspaceWrite({ deny_read: ["**/.env"] }) });
    const proxied = { ...contextOf(place), network: proxy.network };
    expect(sandbox.plan(command, denied)).toMatchObject({
      unavailable: true,
      message: expect.stringContaining("deny_read"),
    });
    expect(sandbox.plan(command, proxied)).toMatchObject({ message: expect.stringContaining("network.enabled") });
  } finally {
    proxy.close();
    place.remove();
    rmSync(place.base, { recursive: true, force: true });
  }
});

test("the list in docs/sandbox.md is that of these probes", () => {
  const text = readFileSync(join(import.meta.dir, "../../docs/sandbox.md"), "utf8");
  expect(text).toContain(landlockList());
});
