import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { StateStore } from "#state/store.ts";
import { DAY, rolloutFile, rolloutText, T, type TestHome, testHome, threadId } from "./home.ts";

let home: TestHome;
let store: StateStore;

beforeEach(async () => {
  home = testHome();
  store = await home.open();
});

afterEach(async () => {
  await store.close();
  home.remove();
});

const UNCHANGED = { added: 0, updated: 0, removed: 0, skipped: [], duplicates: [], complete: true };

describe("the index", () => {
  test("has what a rollout says", async () => {
    const path = home.addRollout(threadId(1), {
      updatedAt: T,
      source: { subagent: "review" },
      message: "first line\nsecond line",
      memoryMode: "disabled",
    });
    expect(await store.threads.backfill()).toEqual({ ...UNCHANGED, files: 1, added: 1 });
    expect(await store.threads.get(threadId(1))).toMatchObject({
      id: threadId(1),
      rolloutPath: path,
      source: '{"subagent":"review"}',
      cwd: "/work",
      project: null,
      gitSha: null,
      model: "gpt-test",
      provider: "openai",
      title: "first line",
      firstUserMessage: "first line\nsecond line",
      createdAt: T - 60,
      updatedAt: T,
      archived: false,
      memoryMode: "disabled",
    });
  });

  test("reads again only what changed, and forgets what is gone", async () => {
    const [one, two] = [1, 2].map((n) => home.addRollout(threadId(n), { updatedAt: T }));
    await store.threads.backfill();
    expect(await store.threads.backfill()).toEqual({ ...UNCHANGED, files: 2 });
    appendFileSync(
      one ?? "",
      `${JSON.stringify({ timestamp: new Date((T + 5) * 1000).toISOString(), type: "x", payload: {} })}\n`,
    );
    expect(await store.threads.backfill()).toEqual({ ...UNCHANGED, files: 2, updated: 1 });
    expect((await store.threads.get(threadId(1)))?.updatedAt).toBe(T + 5);
    rmSync(two ?? "");
    expect(await store.threads.backfill()).toEqual({ ...UNCHANGED, files: 1, removed: 1 });
    expect(await store.threads.get(threadId(2))).toBeUndefined();
  });

  test("reads of a large file only what was added, and all of one that is another now", async () => {
    const filler = JSON.stringify({ timestamp: "", type: "response_item", payload: { text: "x".repeat(3 << 20) } });
    const mode = { timestamp: "", type: "event_msg", payload: { type: "memory_mode", memory_mode: "disabled" } };
    const path = home.addRollout(threadId(1), { updatedAt: T, lines: [mode, filler] });
    await store.threads.backfill();
    appendFileSync(
      path,
      rolloutText(threadId(9), { updatedAt: T + 5 })
        .split("\n")
        .slice(2)
        .join("\n"),
    );
    await store.threads.backfill();
    const grown = await store.threads.get(threadId(1));
    expect(grown).toMatchObject({ memoryMode: "disabled", firstUserMessage: "please help", updatedAt: T + 5 });
    home.addRollout(threadId(1), { updatedAt: T + 6, message: "new", lines: [filler, filler] });
    await store.threads.backfill();
    const other = { memoryMode: "enabled", firstUserMessage: "new", updatedAt: T + 6 };
    expect(await store.threads.get(threadId(1))).toMatchObject(other);
  });

  test("sees a file that was replaced by one of the same size", async () => {
    const path = home.addRollout(threadId(1), { updatedAt: T, message: "aaa" });
    await store.threads.backfill();
    home.addRollout(threadId(1), { updatedAt: T, message: "bbb" });
    utimesSync(path, 1, 1);
    expect(await store.threads.backfill()).toMatchObject({ updated: 1 });
    expect((await store.threads.get(threadId(1)))?.title).toBe("bbb");
  });

  test("follows a session into the archive and back", async () => {
    const live = home.addRollout(threadId(1), { updatedAt: T });
    await store.threads.backfill();
    const archived = rolloutFile(home.path, threadId(1), true);
    mkdirSync(dirname(archived), { recursive: true });
    renameSync(live, archived);
    expect(await store.threads.backfill()).toEqual({ ...UNCHANGED, files: 1, updated: 1 });
    expect(await store.threads.get(threadId(1))).toMatchObject({ archived: true, rolloutPath: archived });
    renameSync(archived, live);
    await store.threads.backfill();
    expect((await store.threads.get(threadId(1)))?.archived).toBe(false);
  });

  test("keeps the longer of two files with one id and names the other", async () => {
    const live = home.addRollout(threadId(1), { updatedAt: T });
    const archived = home.addRollout(threadId(1), { updatedAt: T + 9, archived: true, message: "a longer message" });
    const report = await store.threads.backfill();
    expect(report).toEqual({
      ...{ ...UNCHANGED, files: 2, added: 1 },
      duplicates: [{ threadId: threadId(1), path: live, kept: archived }],
    });
    expect((await store.threads.get(threadId(1)))?.rolloutPath).toBe(archived);
    expect(await store.threads.backfill()).toMatchObject({ added: 0, updated: 0, duplicates: report.duplicates });
  });

  test("takes the file's own time when no line has one", async () => {
    const path = rolloutFile(home.path, threadId(1));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${JSON.stringify({ type: "session_meta", payload: { id: threadId(1) } })}\n`);
    utimesSync(path, T - 7, T - 7);
    await store.threads.backfill();
    expect(await store.threads.get(threadId(1))).toMatchObject({ updatedAt: T - 7, createdAt: T - 7 });
  });

  test("passes over what is no rollout and says so", async () => {
    home.addRollout(threadId(1), { updatedAt: T });
    const directory = rolloutFile(home.path, threadId(2));
    mkdirSync(directory);
    const empty = rolloutFile(home.path, threadId(3));
    writeFileSync(empty, "");
    symlinkSync("/nowhere", rolloutFile(home.path, threadId(4)));
    writeFileSync(join(dirname(empty), "notes.txt"), "mine");
    symlinkSync(home.path, join(home.path, "sessions", "loop"));
    const report = await store.threads.backfill();
    expect(report).toMatchObject({ files: 2, added: 1, complete: true });
    expect(report.skipped.sort((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
      { path: directory, reason: "it is not a regular file" },
      { path: empty, reason: "it does not begin with a session_meta record" },
    ]);
  });

  test("never forgets threads because a folder could not be read", async () => {
    home.addRollout(threadId(1), { updatedAt: T });
    await store.threads.backfill();
    const sessions = join(home.path, "sessions");
    renameSync(sessions, `${sessions}.away`);
    expect(await store.threads.backfill()).toMatchObject({ files: 0, removed: 0, complete: false });
    expect(await store.threads.list()).toHaveLength(1);
    renameSync(`${sessions}.away`, sessions);
    expect(await store.threads.backfill()).toEqual({ ...UNCHANGED, files: 1 });
    // Root may read everything, so this half shows nothing when the tests run as root.
    const day = dirname(rolloutFile(home.path, threadId(1)));
    chmodSync(day, 0);
    const report = await store.threads.backfill();
    chmodSync(day, 0o755);
    expect(report.removed).toBe(0);
    expect(report.complete).toBe(process.getuid?.() === 0);
  });

  test("keeps the row of a rollout that lost its beginning", async () => {
    const path = home.addRollout(threadId(1), { updatedAt: T });
    await store.threads.backfill();
    writeFileSync(path, "torn");
    expect(await store.threads.backfill()).toMatchObject({ removed: 0, skipped: [{ path }] });
    expect(await store.threads.get(threadId(1))).toBeDefined();
  });

  test("heals after its database is gone", async () => {
    for (const n of [1, 2, 3]) home.addRollout(threadId(n), { updatedAt: T - n });
    await store.threads.backfill();
    const before = await store.threads.list();
    for (const suffix of ["", "-wal", "-shm"]) rmSync(`${home.databasePath}${suffix}`, { force: true });
    expect(await store.threads.list()).toEqual([]);
    await store.threads.backfill();
    expect(await store.threads.list()).toEqual(before);
  });

  test("keeps what was noted of a thread when its file is read again", async () => {
    const path = home.addRollout(threadId(1), { updatedAt: T });
    await store.threads.backfill();
    await store.threads.setMemoryMode(threadId(1), "polluted");
    writeFileSync(path, rolloutText(threadId(1), { updatedAt: T + DAY }));
    await store.threads.backfill();
    expect(await store.threads.get(threadId(1))).toMatchObject({ memoryMode: "polluted", updatedAt: T + DAY });
  });

  test("shows a fork under its own id", async () => {
    const parent = rolloutText(threadId(1), { updatedAt: T, message: "the parent's message" });
    const own = rolloutText(threadId(2), { updatedAt: T + 1, message: "" }).split("\n")[0];
    const path = rolloutFile(home.path, threadId(2));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${own}\n${parent}`);
    await store.threads.backfill();
    expect(await store.threads.get(threadId(2))).toMatchObject({
      firstUserMessage: "the parent's message",
      createdAt: T - 59,
    });
  });

  test("stops when asked to", async () => {
    home.addRollout(threadId(1), { updatedAt: T });
    const stopped = store.threads.backfill({ signal: AbortSignal.abort(new Error("stop")) });
    expect(stopped).rejects.toThrow("stop");
    await stopped.catch(() => {});
  });

  test("of an empty home is empty and not complete", async () => {
    expect(await store.threads.backfill()).toEqual({ ...UNCHANGED, files: 0, complete: false });
  });
});
