import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { canConfine, prepareSandbox } from "#sandbox/select.ts";
import { contextOf, makePlace, type Place, runSandboxed, whySkipped } from "./support.ts";

const skip = (await whySkipped()) !== undefined;
setDefaultTimeout(40_000);

let place: Place;
beforeEach(() => {
  place = makePlace();
});
afterEach(() => place.remove());

const command = () => ({ argv: ["true", "x"], cwd: place.work, env: { A: "b" }, tty: false });

test("danger-full-access runs the command as it is, on every platform", () => {
  const sandbox = prepareSandbox({ platform: "win32", bwrapPaths: [] });
  const plan = sandbox.plan(command(), contextOf(place, { policy: { type: "danger-full-access" } }));
  expect(plan).toMatchObject({
    argv: ["true", "x"],
    cwd: place.work,
    env: { A: "b" },
    inheritFds: [],
    backend: "none",
  });
});

test("without bubblewrap nothing runs, and the message says what to install", () => {
  const sandbox = prepareSandbox({ platform: "linux", arch: "x64", bwrapPaths: ["/nowhere/bwrap", place.work] });
  for (const type of ["read-only", "workspace-write"] as const) {
    const policy = type === "read-only" ? { type } : contextOf(place).policy;
    expect(sandbox.plan(command(), contextOf(place, { policy }))).toEqual({
      unavailable: true,
      message: expect.stringMatching(/not found \(looked at \/nowhere\/bwrap, .*apt-get install bubblewrap/),
    });
  }
});

test("it can be known beforehand where every command would be refused", () => {
  const machines = [
    ["linux", "x64"],
    ["linux", "arm64"],
    ["darwin", "arm64"],
    ["win32", "x64"],
    ["freebsd", "x64"],
    ["linux", "riscv64"],
  ] as const;
  expect(machines.map(([platform, arch]) => canConfine(platform, arch))).toEqual([
    true,
    true,
    true,
    false,
    false,
    false,
  ]);
});

test("other platforms are refused, not run unprotected", () => {
  for (const [platform, arch] of [
    ["freebsd", "x64"],
    ["win32", "x64"],
    ["linux", "riscv64"],
  ] as const) {
    expect(prepareSandbox({ platform, arch }).plan(command(), contextOf(place))).toEqual({
      unavailable: true,
      message: expect.stringContaining(`none yet for ${platform} on ${arch}`),
    });
  }
});

describe.skipIf(skip)("commands that never run", () => {
  test("a missing program is told apart from one that failed", async () => {
    const missing = await runSandboxed(place, ["no-such-program"]);
    expect(missing.failure).toEqual({
      unavailable: false,
      exitCode: 127,
      message: 'Cannot execute "no-such-program": No such file or directory',
    });
    const impostor = await runSandboxed(place, ["/bin/sh", "-c", "echo 'bwrap: execvp x: No such file' >&2; exit 1"]);
    expect([impostor.exitCode, impostor.failure]).toEqual([1, undefined]);
  });

  test("a file that is no program gives 126", async () => {
    writeFileSync(join(place.work, "data"), "", { mode: 0o644 });
    expect((await runSandboxed(place, ["./data"])).failure).toMatchObject({ unavailable: false, exitCode: 126 });
  });

  test("fifty sessions of a process keep no more descriptors open than one", () => {
    const session = () => {
      const plan = prepareSandbox().plan(command(), contextOf(place));
      if ("unavailable" in plan) throw new Error(plan.message);
      plan.release();
      plan.finished();
      return readdirSync("/proc/self/fd").length;
    };
    const first = session();
    for (let count = 0; count < 50; count++) expect(session()).toBe(first);
  });

  test("a bwrap that cannot set up its namespaces is reported with its own words and advice", async () => {
    const bwrap = join(place.base, "bwrap");
    writeFileSync(bwrap, "#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n");
    chmodSync(bwrap, 0o755);
    const plan = prepareSandbox({ bwrapPaths: [bwrap] }).plan(command(), contextOf(place));
    if ("unavailable" in plan) throw new Error(plan.message);
    const child = Bun.spawn(plan.argv, { cwd: plan.cwd, stdio: ["ignore", "ignore", "pipe", ...plan.inheritFds] });
    plan.release();
    const stderr = await new Response(child.stderr).text();
    expect(await child.exited).toBe(1);
    expect(plan.startFailure(stderr)).toEqual({
      unavailable: true,
      message: expect.stringMatching(/setting up uid map: Permission denied"\. .*namespaces/),
    });
    plan.finished();
    expect(plan.startFailure(stderr)).toBeUndefined();
    plan.finished();
    plan.release();
  });
});
