import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { accounts, makePlace, whySkipped } from "../sandbox/support.ts";

setDefaultTimeout(40_000);
const skip = (await whySkipped()) !== undefined;
const PROJECT = join(import.meta.dir, "../..");

/** Runs a module of its own process, as hardening cannot be undone. */
async function inProcess(source: string, options: { prefix?: readonly string[]; env?: Record<string, string> } = {}) {
  const child = Bun.spawn([...(options.prefix ?? []), process.execPath, "-e", source], {
    cwd: PROJECT,
    env: { PATH: "/usr/bin:/bin", ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  expect([await child.exited, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout);
}

test("the loader's variables do not reach what is started later", async () => {
  const source = `
    import { dropLoaderVariables } from "#lib/hardening.ts";
    import { environment } from "#lib/env.ts";
    dropLoaderVariables();
    const names = Object.keys(environment()).filter((name) => /^(LD_|DYLD_|KEPT|OLD_)/.test(name)).sort();
    console.log(JSON.stringify(names));`;
  const env = { LD_LIBRARY_PATH: "/nowhere", DYLD_INSERT_LIBRARIES: "x", LD_BIND_NOW: "1", KEPT: "1", OLD_LD_X: "1" };
  expect(await inProcess(source, { env })).toEqual(["KEPT", "OLD_LD_X"]);
});

test.skipIf(process.platform !== "linux")(
  "memory is closed to others, and core files are off, also for children",
  async () => {
    const source = `
    import { protectMemory } from "#lib/hardening.ts";
    import { readFileSync, statSync } from "node:fs";
    const protection = await protectMemory();
    const limits = readFileSync("/proc/self/limits", "utf8").match(/Max core file size\\s+(\\S+)\\s+(\\S+)/).slice(1);
    const child = Bun.spawnSync(["/bin/sh", "-c", "ulimit -c"]).stdout.toString().trim();
    const attach = Bun.spawnSync(["/bin/sh", "-c", "cat /proc/$PPID/environ >/dev/null 2>&1; echo $?"]).stdout.toString().trim();
    console.log(JSON.stringify({ protection, limits, child, attach, uid: process.getuid(), owner: statSync("/proc/self/environ").uid }));`;
    for (const account of accounts) {
      const { uid, owner, attach, ...rest } = await inProcess(source, { prefix: account.prefix });
      expect(rest).toEqual({ protection: { undumpable: true, noCoreFiles: true }, limits: ["0", "0"], child: "0" });
      // The kernel gives the process's files to root; for root itself there is nothing to be closed.
      expect([owner, attach === "0"]).toEqual([0, uid === 0]);
    }
  },
);

test.skipIf(skip)("commands, sandboxed too, and terminals work as before", async () => {
  const place = makePlace();
  const source = `
    import { protectMemory } from "#lib/hardening.ts";
    import { prepareSandbox } from "#sandbox/select.ts";
    await protectMemory();
    const context = { policy: { type: "read-only" }, sessionCwd: "/", tmpdir: undefined, codexHome: "/nowhere" };
    const plan = prepareSandbox().plan({ argv: ["/bin/echo", "inside"], cwd: "/", env: {}, tty: false }, context);
    const child = Bun.spawn(plan.argv, { cwd: plan.cwd, stdio: ["ignore", "pipe", "inherit", ...plan.inheritFds] });
    plan.release();
    const inside = await new Response(child.stdout).text();
    await child.exited;
    plan.finished();
    let typed = "";
    const terminal = Bun.spawn(["/bin/echo", "typed"], { terminal: { data: (_, chunk) => { typed += chunk.toString(); } } });
    await terminal.exited;
    for (let tries = 0; typed === "" && tries < 1000; tries++) await Bun.sleep(10);
    console.log(JSON.stringify({ inside, typed }));
    process.exit(0);`;
  try {
    for (const { prefix } of accounts) {
      expect(await inProcess(source, { prefix })).toEqual({ inside: "inside\n", typed: "typed\r\n" });
    }
  } finally {
    place.remove();
  }
});
