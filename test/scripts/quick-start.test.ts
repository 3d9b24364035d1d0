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
  const sessions = [
    ...new Bun.Glob("codex-quick-start-*/home/.codex/sessions/**/*.jsonl").scanSync({ cwd: folder, dot: true }),
  ];
  const metas = sessions.map((path) => JSON.parse(readFileSync(join(folder, path), "utf8").split("\n")[0] ?? ""));
  expect(metas.filter(({ payload }) => payload.source === "exec")).toHaveLength(1);
  expectLearnt(folder, stdout);
}

/** What was learnt is printed with the session file it comes from, and stands in MEMORY.md. */
function expectLearnt(folder: string, stdout: string): void {
  const memory = only(folder, "codex-quick-start-*/home/.codex/memories/MEMORY.md");
  expect(stdout).toContain("Read 12 sessions: ");
  expect(stdout).toContain("Read 1 session: something was kept of 1");
  expect(stdout).toMatch(/from sessions\/\d{4}\/\d\d\/\d\d\/rollout-.*\.jsonl:\d+/);
  expect(memory).toContain("/receipts");
  expect(stdout).toContain("Preference: ");
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
