import { describe, expect, test } from "bun:test";
import { readFile, stat } from "node:fs/promises";
import { resumeSession } from "#rollout/resume.ts";
import { expandSampleHome, loadSampleSessions } from "../../scripts/sample-home.ts";
import { tempHome } from "../support/temp-home.ts";

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 10, 23, 12);

describe("the sample home", () => {
  test.each([
    ["now", NOW_MS],
    ["60 days later", NOW_MS + 60 * DAY_MS],
  ])("ends 1 to 29 days before the clock: %s", async (_name, nowMs) => {
    await using home = await tempHome();
    const written = await expandSampleHome(home.codexHome, nowMs);
    expect(written.length).toBeGreaterThanOrEqual(12);
    for (const { path, threadId, endMs } of written) {
      const days = (nowMs - endMs) / DAY_MS;
      expect(days).toBeGreaterThanOrEqual(1);
      expect(days).toBeLessThanOrEqual(29);
      const session = await resumeSession(path);
      expect(session.meta.id).toBe(threadId);
      expect(session.updatedAtMs).toBe(endMs);
      expect(session.garbageLines).toBe(0);
      expect((await stat(path)).mtimeMs).toBe(endMs);
    }
  });

  test("keeps its thread ids whatever the clock says", async () => {
    await using home = await tempHome();
    const ids = async (folder: string, nowMs: number) =>
      (await expandSampleHome(`${home.root}/${folder}`, nowMs)).map(({ threadId }) => threadId);
    expect(await ids("late", NOW_MS + 60 * DAY_MS)).toEqual(await ids("now", NOW_MS));
  });

  test("makes its secrets and its large output while expanding", async () => {
    await using home = await tempHome();
    const sessions = await loadSampleSessions();
    const secrets = sessions.flatMap((session) => session.secrets.map(({ text }) => text));
    expect(secrets.length).toBeGreaterThan(0);
    const written = await expandSampleHome(home.codexHome, NOW_MS);
    const texts = await Promise.all(written.map(({ path }) => readFile(path, "utf8")));
    for (const secret of secrets) expect(texts.some((text) => text.includes(secret))).toBe(true);
    const largest = Math.max(...texts.map((text) => text.length));
    expect(largest).toBeGreaterThan(150_000);
    expect(largest).toBeLessThan(250_000);
  });
});
