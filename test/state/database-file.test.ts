import { Database } from "bun:sqlite";
import { afterEach, describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openState } from "#state/open.ts";
import type { StageOneOutput } from "#state/rows.ts";
import type { StateStore } from "#state/store.ts";
import { DAY, NOTHING_TO_IMPORT, output, rules, T, type TestHome, testHome, threadId } from "./home.ts";

const made: TestHome[] = [];
const opened: StateStore[] = [];

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  for (const home of made.splice(0)) home.remove();
});

function newHome(): TestHome {
  const home = testHome();
  made.push(home);
  return home;
}

async function open(home: TestHome, ...args: Parameters<TestHome["open"]>): Promise<StateStore> {
  const store = await home.open(...args);
  opened.push(store);
  return store;
}

function files(home: TestHome): string[] {
  return readdirSync(home.path).filter((name) => name.startsWith("codex-ts"));
}

/** A database with one thread and one output, closed. */
async function filled(home: TestHome): Promise<void> {
  home.addRollout(threadId(1), { updatedAt: T - DAY });
  const store = await home.open();
  await store.threads.backfill();
  const [claim] = await store.stageOne.claim({ ...rules(), limit: 1, worker: "w" });
  await store.stageOne.finish({ now: T, threadId: threadId(1), token: claim?.token ?? "", output: output() });
  await store.close();
}

const OPEN = `
  import { openState } from "#state/open.ts";
  const artifacts = { present: () => false, read: () => ({ outputs: [], consolidated: false }) };
  const store = await openState({ codexHome: process.argv[1], artifacts, report: (notice) => console.error(notice) });
  console.log(JSON.stringify(await store.meta.read()));
  await store.threads.list();
  await store.close();`;

/** Another process that opens the home's database, reads it and ends. */
async function openInProcess(codexHome: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const options = { stdout: "pipe", stderr: "pipe", cwd: import.meta.dir } as const;
  const child = Bun.spawn([process.execPath, "-e", OPEN, codexHome], options);
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { code: await child.exited, stdout, stderr };
}

const IMPORTED: StageOneOutput = {
  ...output({ rawMemory: "from the files" }),
  threadId: threadId(1),
  sourceUpdatedAt: T - DAY,
  generatedAt: T - 5,
  usageCount: 2,
  lastUsage: T - 3,
  selectedSourceUpdatedAt: null,
};

describe("a new database", () => {
  test("is readable by its owner only and makes its folder", async () => {
    const home = newHome();
    const codexHome = join(home.path, "deep", "er");
    opened.push(await openState({ codexHome, artifacts: NOTHING_TO_IMPORT, report: () => {} }));
    for (const name of readdirSync(codexHome)) expect(statSync(join(codexHome, name)).mode & 0o777).toBe(0o600);
  });

  test("is made once when several processes come at the same time", async () => {
    const home = newHome();
    const processes = Array.from({ length: 6 }, () => openInProcess(home.path));
    for (const { code, stdout, stderr } of await Promise.all(processes)) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(JSON.parse(stdout)).toMatchObject({ import: "done", inputGeneration: 0 });
    }
  });

  test("first takes in the memory files, once, and pays for nothing twice", async () => {
    const home = newHome();
    home.addRollout(threadId(1), { updatedAt: T - DAY });
    let reads = 0;
    const artifacts = {
      present: () => true,
      read: () => {
        reads++;
        return { outputs: [IMPORTED], consolidated: true };
      },
    };
    const store = await open(home, artifacts);
    await open(home, artifacts);
    expect(reads).toBe(1);
    expect(await store.outputs.list()).toEqual([IMPORTED]);
    expect(await store.phaseTwo.isDue({ now: T })).toBe(false);
    const meta = await store.meta.read();
    expect(meta).toMatchObject({ import: "done", artifactsGeneration: 1, syncedGeneration: 0 });
    await store.threads.backfill();
    expect(await store.stageOne.explain(threadId(1), rules())).toBe("up_to_date");
  });

  test("with memory files but nothing consolidated makes phase two due", async () => {
    const store = await open(newHome(), {
      present: () => true,
      read: () => ({ outputs: [IMPORTED], consolidated: false }),
    });
    expect(await store.phaseTwo.isDue({ now: T })).toBe(true);
  });

  test("stays unimported when the import fails, and says why", async () => {
    const home = newHome();
    const read = () => {
      throw new Error("unreadable summary");
    };
    expect(home.open({ present: () => true, read })).rejects.toThrow("unreadable summary");
    const store = await open(home, {
      present: () => false,
      read: () => ({ outputs: [IMPORTED], consolidated: false }),
    });
    expect(await store.outputs.list()).toHaveLength(1);
  });
});

describe("a database from a later program", () => {
  test("is refused and left as it is", async () => {
    const home = newHome();
    await filled(home);
    const db = new Database(home.databasePath);
    db.run("PRAGMA user_version = 99");
    db.close();
    const before = readFileSync(home.databasePath);
    expect(home.open()).rejects.toMatchObject({ code: "state_newer", message: expect.stringContaining("version 99") });
    expect(readFileSync(home.databasePath).equals(before)).toBe(true);
    expect(home.notices).toEqual([]);
  });
});

describe("a damaged database", () => {
  const garbage = (path: string) => writeFileSync(path, "this is no database at all, but long enough".repeat(50));
  const emptied = (path: string) => writeFileSync(path, Buffer.alloc(8192));
  const overwritten = (path: string) => {
    const bytes = readFileSync(path);
    bytes.fill(0xa5, 4096);
    writeFileSync(path, bytes);
  };

  for (const [name, damage] of Object.entries({ garbage, emptied, overwritten })) {
    test(`is put aside under a new name: ${name}`, async () => {
      const home = newHome();
      await filled(home);
      damage(home.databasePath);
      const damaged = readFileSync(home.databasePath);
      const store = await open(home);
      await store.threads.backfill();
      expect((await store.threads.list()).map((row) => row.id)).toEqual([threadId(1)]);
      expect(home.notices).toEqual([expect.stringContaining("was damaged. It is kept as")]);
      const aside = files(home).filter((file) => /\.corrupt-\d+-\d+$/.test(file));
      expect(aside).toHaveLength(1);
      expect(readFileSync(join(home.path, aside[0] ?? "")).equals(damaged)).toBe(true);
    });
  }

  test("found in the middle of work is replaced, the work done on the new one, and the files imported", async () => {
    const home = newHome();
    await filled(home);
    overwritten(home.databasePath);
    const artifacts = { present: () => true, read: () => ({ outputs: [IMPORTED], consolidated: true }) };
    const store = await open(home, artifacts);
    expect((await store.outputs.list()).map((row) => row.rawMemory)).toEqual(["from the files"]);
    expect(home.notices).toHaveLength(1);
  });

  test("is healed by one of two processes; the other goes on with the new file", async () => {
    const home = newHome();
    await filled(home);
    const first = await open(home);
    const second = await open(home);
    await second.meta.read();
    // As another process would: the old file is put aside while both have it open.
    for (const suffix of ["-wal", "-shm", ""]) {
      const path = `${home.databasePath}${suffix}`;
      copyFileSync(path, `${path}.aside`);
      rmSync(path);
    }
    expect(await first.outputs.list()).toEqual([]);
    await first.meta.setNote("legacy_alias_seen_at", "1");
    expect(await second.meta.getNote("legacy_alias_seen_at")).toBe("1");
    expect(home.notices).toEqual([]);
  });

  test("is put aside once when several processes find it at the same time", async () => {
    const home = newHome();
    await filled(home);
    overwritten(home.databasePath);
    const processes = Array.from({ length: 5 }, () => openInProcess(home.path));
    for (const { code, stderr } of await Promise.all(processes))
      expect({ code, notices: stderr.replace(/^The state database .*\n/, "") }).toEqual({ code: 0, notices: "" });
    expect(files(home).filter((file) => /\.corrupt-\d+-\d+$/.test(file))).toHaveLength(1);
  });

  test("keeps its companions' names in step", async () => {
    const home = newHome();
    await filled(home);
    const reader = await open(home);
    await reader.outputs.raiseUsage({ now: T, threadIds: [threadId(1)] });
    expect(files(home)).toContain("codex-ts.sqlite-wal");
    garbage(home.databasePath);
    writeFileSync(`${home.databasePath}-wal`, "no log either");
    await (await open(home)).meta.read();
    const aside = files(home).filter((file) => file.includes(".corrupt-"));
    expect(aside.some((file) => file.endsWith("-wal"))).toBe(true);
  });
});

describe("a database that cannot be used", () => {
  test("locked for too long is an error that says so", async () => {
    const home = newHome();
    await filled(home);
    const store = await openState({
      codexHome: home.path,
      artifacts: NOTHING_TO_IMPORT,
      report: () => {},
      busyTimeoutMs: 50,
    });
    opened.push(store);
    const other = new Database(home.databasePath);
    other.run("BEGIN IMMEDIATE");
    expect(await store.outputs.list()).toHaveLength(1);
    const blocked = store.meta.setNote("legacy_alias_seen_at", "1");
    expect(blocked).rejects.toMatchObject({ code: "state_locked" });
    await blocked.catch(() => {});
    other.run("ROLLBACK");
    other.close();
    expect(await store.meta.setNote("legacy_alias_seen_at", "1")).toBe(true);
  });

  test("a directory in its place is an error that names it", async () => {
    const home = newHome();
    mkdirSync(home.databasePath);
    expect(home.open()).rejects.toMatchObject({
      code: "state_unopenable",
      message: expect.stringContaining(home.databasePath),
    });
  });

  test("closed it refuses, and closing twice is fine", async () => {
    const store = await open(newHome());
    await store.close();
    await store.close();
    expect(store.meta.read()).rejects.toMatchObject({ code: "state_closed" });
  });

  test("after a close nothing of the log is left behind", async () => {
    const home = newHome();
    await filled(home);
    expect(files(home)).toEqual(["codex-ts.sqlite"]);
  });
});
