import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { accounts, makePlace, type Place, planSandboxed, runSandboxed, whySkipped } from "./support.ts";

const skip = (await whySkipped()) !== undefined;
const SPAWN_AND_WAIT = join(import.meta.dir, "spawn-and-wait.ts");
const DEADLINE_MS = 10_000;
setDefaultTimeout(4 * DEADLINE_MS);

/**
 * Leaves a process behind that has its own session, no parent, no open pipe, and ignores polite signals;
 * then makes the file "ready".
 */
const daemon = (marker: string) =>
  `(setsid /bin/bash -c "trap '' HUP TERM INT; exec -a ${marker} sleep 600" >/dev/null 2>&1 </dev/null &)
  until grep -q "^${marker}" /proc/[0-9]*/cmdline; do sleep 0.01; done; touch ready`;

/** A name no other process of the machine has. */
const markerOf = (place: Place) => `left-behind-${place.base.split("-").at(-1)}`;

/** The processes of the whole machine whose command line contains the text. */
function processesWith(text: string): string[] {
  return readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name) || name === String(process.pid)) return false;
    try {
      return readFileSync(`/proc/${name}/cmdline`, "utf8").includes(text);
    } catch {
      return false;
    }
  });
}

async function until(condition: () => boolean): Promise<boolean> {
  const end = performance.now() + DEADLINE_MS;
  while (!condition()) {
    if (performance.now() > end) return false;
    await Bun.sleep(10);
  }
  return true;
}

describe.skipIf(skip).each(accounts)("what a command leaves behind as $name", (account) => {
  let place: Place;
  let marker: string;
  beforeEach(() => {
    place = makePlace(account);
    marker = markerOf(place);
  });
  afterEach(() => place.remove());

  test("a daemon dies with its command", async () => {
    const script = `${daemon(marker)}; grep -lz ${marker} /proc/*/cmdline | wc -l`;
    const result = await runSandboxed(place, ["/bin/bash", "-c", script], { account });
    // The daemon and the shell with the script both carry the marker.
    expect(Number(result.stdout)).toBeGreaterThanOrEqual(2);
    expect(await until(() => processesWith(marker).length === 0)).toBe(true);
  });

  test.each(["SIGTERM", "SIGINT", "SIGKILL"] as const)("ending bwrap with %s ends everything", async (signal) => {
    const plan = planSandboxed(place, ["/bin/bash", "-c", `${daemon(marker)}; sleep 600`]);
    const child = Bun.spawn([...account.prefix, ...plan.argv], {
      cwd: plan.cwd,
      env: plan.env,
      stdio: ["ignore", "ignore", "ignore", ...plan.inheritFds],
    });
    plan.release();
    try {
      expect(await until(() => existsSync(join(place.work, "ready")))).toBe(true);
      child.kill(signal);
      await child.exited;
      expect(await until(() => processesWith(marker).length === 0)).toBe(true);
    } finally {
      child.kill("SIGKILL");
      plan.finished();
    }
  });
});

describe.skipIf(skip)("a command cancelled while it is being started", () => {
  test("leaves no process, whatever moment it is killed at", async () => {
    const place = makePlace();
    const marker = markerOf(place);
    try {
      for (let delay = 0; delay < 12; delay += 0.5) {
        const plan = planSandboxed(place, ["/bin/bash", "-c", `: ${marker}; sleep 600`]);
        const child = Bun.spawn(plan.argv, {
          cwd: plan.cwd,
          env: plan.env,
          stdio: ["ignore", "ignore", "ignore", ...plan.inheritFds],
        });
        plan.release();
        if (delay > 0) await Bun.sleep(delay);
        child.kill("SIGKILL");
        await child.exited;
        plan.finished();
      }
      expect(await until(() => processesWith(marker).length === 0)).toBe(true);
    } finally {
      place.remove();
    }
  });
});

describe.skipIf(skip)("when our own process ends", () => {
  let place: Place;
  let marker: string;
  beforeEach(() => {
    place = makePlace();
    marker = markerOf(place);
  });
  afterEach(() => place.remove());

  const start = (script: string, then: "wait" | "exit") =>
    Bun.spawn([process.execPath, SPAWN_AND_WAIT, place.base, script, then], { stdio: ["ignore", "pipe", "ignore"] });

  test("SIGKILL takes commands and daemons along; the next command clears the placeholders", async () => {
    const ours = start(`${daemon(marker)}; sleep 600`, "wait");
    try {
      expect(await until(() => existsSync(join(place.work, "ready")))).toBe(true);
      expect(existsSync(join(place.work, ".codex"))).toBe(true);
      ours.kill("SIGKILL");
      await ours.exited;
      expect(await until(() => processesWith(marker).length === 0)).toBe(true);
      expect((await runSandboxed(place, ["/bin/bash", "-c", "touch .codex/x"])).exitCode).toBe(1);
      expect(await until(() => !existsSync(join(place.work, ".codex")))).toBe(true);
      expect(readdirSync(place.work)).toEqual(["ready"]);
    } finally {
      ours.kill("SIGKILL");
    }
  });

  test("an ordinary exit right after a command leaves no placeholder", async () => {
    const ours = start("ls -A", "exit");
    expect(await new Response(ours.stdout).text()).toBe(".agents\n.codex\n");
    expect(await ours.exited).toBe(0);
    expect(readdirSync(place.work)).toEqual([]);
  });
});
