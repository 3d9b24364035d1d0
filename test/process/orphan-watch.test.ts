import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { OrphanWatch } from "#process/orphan-watch.ts";

/** The processes this one started that are shells which read changes of groups. */
function watches(): number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const isOurs = Number(parent) === process.pid && state !== "Z";
      return isOurs && readFileSync(`/proc/${name}/cmdline`, "latin1").includes("change id") ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`it never came true: ${what}`);
    await Bun.sleep(10);
  }
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

test("there is a shell while there is something to watch, and a moment longer", async () => {
  const watch = new OrphanWatch({ idleMs: 50 });
  expect(watches()).toEqual([]);
  watch.add(2 ** 22 + 1);
  watch.add(2 ** 22 + 2);
  watch.remove(2 ** 22 + 1);
  await Bun.sleep(200);
  expect(watches()).toHaveLength(1);
  watch.remove(2 ** 22 + 2);
  await until("the idle shell ended", () => watches().length === 0);
  watch.add(2 ** 22 + 3);
  await until("there is a shell again", () => watches().length === 1);
  watch.close();
  await until("the closed shell ended", () => watches().length === 0);
});

test("a shell that was begun ahead takes the first group, and ends where none comes", async () => {
  const watch = new OrphanWatch({ idleMs: 500 });
  watch.begin();
  await until("there is a shell", () => watches().length === 1);
  const [shell] = watches();
  watch.begin();
  watch.add(2 ** 22 + 1);
  await Bun.sleep(800);
  expect(watches()).toEqual([shell ?? 0]);
  watch.remove(2 ** 22 + 1);
  await until("the idle shell ended", () => watches().length === 0);
  watch.begin();
  await until("the unused shell ended", () => watches().length === 0);
});

test("a group added after an idle time ends with its owner", async () => {
  const script = `import { OrphanWatch } from "${join(import.meta.dir, "../../src/process/orphan-watch.ts")}";
    const start = () => Bun.spawn(["sleep", "600"], { detached: true, stdio: ["ignore", "ignore", "ignore"] }).pid;
    const watch = new OrphanWatch({ idleMs: 20 });
    const [removed, watched] = [start(), start()];
    watch.add(removed);
    watch.remove(removed);
    await Bun.sleep(200);
    watch.add(watched);
    console.log(removed + " " + watched);
    process.kill(process.pid, "SIGKILL");`;
  const owner = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
  const [removed = 0, watched = 0] = (await owner.stdout.text()).trim().split(" ").map(Number);
  expect(watched).toBeGreaterThan(0);
  try {
    await until("the watched program ended", () => !isRunning(watched));
    expect(isRunning(removed)).toBe(true);
  } finally {
    process.kill(-removed, "SIGKILL");
  }
});
