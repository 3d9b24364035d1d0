import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PROJECT = join(import.meta.dir, "..", "..");

/** Runs the quick start with its throw-away folder below `temporary`. */
async function quickStart(temporary: string, path: string) {
  const command = [process.execPath, join(PROJECT, "scripts", "quick-start.ts")];
  const env = { PATH: path, TMPDIR: temporary, HOME: temporary };
  const child = Bun.spawn(command, { cwd: temporary, env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { stdout, stderr, code };
}

function only(folder: string, pattern: string): string {
  const found = [...new Bun.Glob(pattern).scanSync({ cwd: folder, dot: true })];
  expect(found).toHaveLength(1);
  return readFileSync(join(folder, found[0] ?? ""), "utf8");
}

async function inTemporaryFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "codex-quick-start-test-"));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function expectMended(folder: string, stdout: string): void {
  expect(stdout).toContain('FAILED  orders/market.csv: wanted "total 9.82", found "total 0.00"');
  expect(stdout).toContain("ok      orders/market.csv");
  expect(stdout).toContain("bash test.sh, run once more by this script, passes.");
  expect(stdout).toContain("Next steps");
  expect(only(folder, "codex-quick-start-*/receipts/receipt.sh")).toContain("10#$cents");
  const session = only(folder, "codex-quick-start-*/home/.codex/sessions/**/*.jsonl").trim().split("\n");
  expect(JSON.parse(session[0] ?? "")).toMatchObject({ type: "session_meta" });
}

test("mends the workspace and shows how, whatever the machine's sandbox", async () => {
  await inTemporaryFolder(async (folder) => {
    const { stdout, stderr, code } = await quickStart(folder, process.env.PATH ?? "");
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    expectMended(folder, stdout);
  });
});

test("without bubblewrap and git it says so and still works", async () => {
  await inTemporaryFolder(async (folder) => {
    const bin = mkdtempSync(join(folder, "bin-"));
    for (const program of ["bash", "cat", "tail"]) symlinkSync(Bun.which(program) ?? "", join(bin, program));
    const { stdout, stderr, code } = await quickStart(folder, bin);
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    if (process.platform === "linux") expect(stdout).toContain("NOT SANDBOXED: bubblewrap is not installed.");
    expectMended(folder, stdout);
    expect([...new Bun.Glob("codex-quick-start-*/receipts/.git/HEAD").scanSync({ cwd: folder, dot: true })]).toEqual(
      [],
    );
  });
});
