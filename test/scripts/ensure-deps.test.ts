import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SCRIPT = join(import.meta.dir, "..", "..", "scripts", "ensure-deps.mjs");
const IS_ROOT = process.getuid?.() === 0;

let root: string;
/** The only folder on PATH: node, and programs that note how they were called. */
let bin: string;

function note(program: string, exitCode = 0): void {
  const path = join(bin, program);
  writeFileSync(path, `#!/bin/sh\necho ${program} "$@" >> "${root}/calls"\nexit ${exitCode}\n`);
  chmodSync(path, 0o755);
}

const entry = (version: string, more: object = {}) => ({ version, integrity: `sha512-${version}`, ...more });

function writeLock(path: string, packages: Record<string, object>): void {
  writeFileSync(join(root, path), JSON.stringify({ packages: { "": { name: "sample" }, ...packages } }));
}

async function run(...args: string[]) {
  const command = ["node", join(root, "scripts", "ensure-deps.mjs"), ...args];
  const child = Bun.spawn(command, { env: { PATH: bin }, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  const calls = existsSync(join(root, "calls")) ? readFileSync(join(root, "calls"), "utf8").trim().split("\n") : [];
  return { stdout, stderr, code, calls };
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "codex-ensure-"));
  bin = join(root, "bin");
  for (const folder of ["bin", "scripts", "node_modules"]) mkdirSync(join(root, folder));
  copyFileSync(SCRIPT, join(root, "scripts", "ensure-deps.mjs"));
  symlinkSync(Bun.which("node") ?? "/usr/bin/node", join(bin, "node"));
  note("npm");
  writeLock("package-lock.json", {
    "node_modules/a": entry("1.0.0"),
    "node_modules/a-darwin": entry("1.0.0", { optional: true }),
    "node_modules/a-linux": entry("1.0.0", { devOptional: true }),
  });
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

describe("npm packages", () => {
  test("nothing to do: no program is called and nothing is printed", async () => {
    writeLock("node_modules/.package-lock.json", { "node_modules/a": entry("1.0.0") });
    expect(await run("--packages-only")).toEqual({ stdout: "", stderr: "", code: 0, calls: [] });
  });

  test.each([
    ["nothing installed", undefined],
    ["another version", { "node_modules/a": entry("0.9.0") }],
    ["the same version with other content", { "node_modules/a": { ...entry("1.0.0"), integrity: "sha512-other" } }],
    ["an outdated optional package", { "node_modules/a": entry("1.0.0"), "node_modules/a-linux": entry("0.9.0") }],
  ])("%s: npm ci, without install scripts", async (_, installed) => {
    if (installed !== undefined) writeLock("node_modules/.package-lock.json", installed);
    const { calls, code, stderr } = await run("--packages-only");
    expect(code).toBe(0);
    expect(calls).toHaveLength(1);
    expect(calls[0]).toStartWith("npm ci ");
    expect(calls[0]).toContain(" --ignore-scripts");
    expect(stderr).toContain("Installing npm packages (npm ci; 1 missing or outdated");
  });

  test("npm fails: exit 1 and what to do", async () => {
    note("npm", 3);
    const { code, stderr } = await run("--packages-only");
    expect(code).toBe(1);
    expect(stderr).toContain('"npm ci" failed: it ended with exit code 3. Check the network');
  });
});

describe("system packages, without a terminal", () => {
  beforeEach(() => writeLock("node_modules/.package-lock.json", { "node_modules/a": entry("1.0.0") }));

  test("all there: nothing is done", async () => {
    note("bwrap");
    note("git");
    expect(await run()).toEqual({ stdout: "", stderr: "", code: 0, calls: [] });
  });

  test.if(process.platform === "linux")(
    "root installs what is missing with apt; others are told the command",
    async () => {
      note("git");
      note("apt-get");
      note("sudo");
      const { calls, code, stderr } = await run();
      expect(code).toBe(0);
      if (IS_ROOT) {
        expect(calls.map((call) => call.replace(/ -o \S+/g, ""))).toEqual([
          "apt-get update -qq",
          "apt-get install -y -qq --no-install-recommends bubblewrap",
        ]);
      } else {
        expect(calls).toEqual([]);
        expect(stderr).toContain("To install: sudo apt-get update && sudo apt-get install -y bubblewrap");
      }
    },
  );

  test.if(process.platform === "linux")("apt fails: says what is lost and goes on", async () => {
    note("apt-get", 100);
    const { code, stderr } = await run();
    expect(code).toBe(0);
    expect(stderr).toContain("bubblewrap is not installed: commands cannot be sandboxed.");
    expect(stderr).toContain("git is not installed: sessions carry no repository facts.");
    expect(stderr).toContain("apt-get install -y bubblewrap git");
  });

  test("no apt: names the packages and goes on", async () => {
    const { code, calls, stderr } = await run();
    expect(code).toBe(0);
    expect(calls).toEqual([]);
    expect(stderr).toContain("To install: use your system's package manager.");
  });
});
