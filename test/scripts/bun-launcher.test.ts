import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const LAUNCHER = join(import.meta.dir, "..", "..", "scripts", "bun.mjs");
/** A program as large as the launcher takes for Bun; what it does is in the first line. */
const large = (script: string) => `#!/bin/sh\n${script}\nexit 0\n${"#".repeat(1_100_000)}\n`;

let root: string;
let executable: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "codex-launcher-"));
  executable = join(root, "node_modules", "bun", "bin", "bun.exe");
  mkdirSync(join(root, "scripts"));
  mkdirSync(join(root, "node_modules", "bun", "bin"), { recursive: true });
  copyFileSync(LAUNCHER, join(root, "scripts", "bun.mjs"));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function launch(...args: string[]) {
  return Bun.spawn(["node", join(root, "scripts", "bun.mjs"), ...args], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

async function outcome(child: ReturnType<typeof launch>) {
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { stdout, stderr, code };
}

function install(script: string): void {
  writeFileSync(executable, large(script));
  chmodSync(executable, 0o755);
}

test("passes arguments and the exit code through", async () => {
  install('printf "<%s>" "$@"; exit 7');
  expect(await outcome(launch("a b", "--flag"))).toEqual({ stdout: "<a b><--flag>", stderr: "", code: 7 });
});

test("a program ended by a signal gives 128 + its number", async () => {
  install("kill -TERM $$");
  expect((await outcome(launch())).code).toBe(143);
});

test("passes SIGTERM on and waits for the program", async () => {
  install(`trap 'echo ended; exit 5' TERM; touch "${root}/ready"; while :; do sleep 0.02; done`);
  const child = launch();
  while (!existsSync(join(root, "ready"))) await Bun.sleep(10);
  child.kill("SIGTERM");
  expect(await outcome(child)).toMatchObject({ stdout: "ended\n", code: 5 });
});

test("runs Bun's own install step when only the stand-in is there", async () => {
  writeFileSync(executable, "not bun\n");
  writeFileSync(join(root, "real"), large("echo mended"));
  chmodSync(join(root, "real"), 0o755);
  const install = `require("node:fs").copyFileSync(${JSON.stringify(join(root, "real"))}, "bin/bun.exe");
require("node:fs").chmodSync("bin/bun.exe", 0o755);`;
  writeFileSync(join(root, "node_modules", "bun", "install.js"), install);
  const { stdout, stderr, code } = await outcome(launch());
  expect({ stdout, code }).toEqual({ stdout: "mended\n", code: 0 });
  expect(stderr).toContain("Bun's install step was skipped");
});

test("says what to do when Bun is not there at all", async () => {
  rmSync(join(root, "node_modules"), { recursive: true });
  const { stderr, code } = await outcome(launch());
  expect(code).toBe(1);
  expect(stderr).toContain(`Cannot run Bun: "${executable}" is missing or incomplete. Run: npm ci`);
});
