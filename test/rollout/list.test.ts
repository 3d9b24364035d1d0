import { describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { findLatest, findRollout, listRollouts } from "#rollout/list.ts";
import { cpuMs } from "../support/cpu-ms.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

/** A version 7 UUID made at that time, by default now. */
function uuidv7(ms = Date.now()): string {
  return Bun.randomUUIDv7("hex", ms);
}

interface Session {
  cwd?: string;
  /** Local time in the name, `YYYY-MM-DDTHH-MM-SS`. */
  created?: string;
  /** Seconds since the epoch of the last change. */
  changed?: number;
  provider?: string;
  source?: unknown;
  root?: string;
  id?: string;
  content?: string;
}

function addSession(home: TempHome, session: Session = {}): { id: string; path: string } {
  const id = session.id ?? uuidv7();
  const created = session.created ?? "2026-11-22T10-00-00";
  const folder = created.slice(0, 10).replaceAll("-", "/");
  const meta = {
    id,
    cwd: session.cwd ?? home.cwd,
    source: session.source ?? "exec",
    model_provider: session.provider ?? "mock",
    base_instructions: { text: "b".repeat(30_000) },
  };
  const line = JSON.stringify({ timestamp: "2026-11-22T10:00:00.000Z", type: "session_meta", payload: meta });
  const path = home.write(
    join("home", session.root ?? "sessions", folder, `rollout-${created}-${id}.jsonl`),
    session.content ?? `${line}\n`,
  );
  utimesSync(path, session.changed ?? 1_000_000, session.changed ?? 1_000_000);
  return { id, path };
}

describe("findRollout", () => {
  test("finds live sessions, then archived ones, in any letter case; nothing for an unknown id", async () => {
    await using home = await tempHome();
    const live = addSession(home);
    const archived = addSession(home, { root: "archived_sessions" });
    const flat = uuidv7();
    const flatPath = home.write(`home/archived_sessions/rollout-2025-01-01T00-00-00-${flat}.jsonl`, "");
    expect(findRollout(home.codexHome, live.id)).toBe(live.path);
    expect(findRollout(home.codexHome, live.id.toUpperCase())).toBe(live.path);
    expect(findRollout(home.codexHome, archived.id)).toBe(archived.path);
    expect(findRollout(home.codexHome, flat)).toBe(flatPath);
    expect(findRollout(home.codexHome, uuidv7())).toBeUndefined();
    expect(findRollout(join(home.root, "nowhere"), live.id)).toBeUndefined();
  });

  test("of several files of one id the one changed last wins, on the day of the id before all others", async () => {
    await using home = await tempHome();
    const id = uuidv7(new Date(2026, 10, 20, 12).getTime());
    const older = addSession(home, { id, created: "2026-11-13T10-00-00", changed: 1000 });
    const newer = addSession(home, { id, created: "2026-11-10T10-00-00", changed: 2000 });
    addSession(home, { id, root: "archived_sessions", changed: 3000 });
    expect(findRollout(home.codexHome, id)).toBe(newer.path);
    utimesSync(older.path, 2500, 2500);
    expect(findRollout(home.codexHome, id)).toBe(older.path);
    const inPlace = addSession(home, { id, created: "2026-11-20T12-00-00", changed: 500 });
    expect(findRollout(home.codexHome, id)).toBe(inPlace.path);
  });

  test("folders with a rollout's name, links to nowhere and in circles are survived; links to files count", async () => {
    await using home = await tempHome();
    const [folder, dangling, linked, circle] = [uuidv7(), uuidv7(), uuidv7(), uuidv7()];
    const day = join(home.codexHome, "sessions/2026/11/22");
    mkdirSync(join(day, `rollout-2026-11-22T10-00-00-${folder}.jsonl`), { recursive: true });
    symlinkSync("/nowhere", join(day, `rollout-2026-11-22T10-00-00-${dangling}.jsonl`));
    symlinkSync(home.write("elsewhere.jsonl", ""), join(day, `rollout-2026-11-22T10-00-00-${linked}.jsonl`));
    const circleName = `rollout-2026-11-22T10-00-00-${circle}.jsonl`;
    symlinkSync(circleName, join(day, circleName));
    symlinkSync("..", join(day, "circle"));
    symlinkSync(join(home.codexHome, "sessions"), join(home.codexHome, "sessions/circle"));
    expect(findRollout(home.codexHome, folder)).toBeUndefined();
    expect(findRollout(home.codexHome, dangling)).toBeUndefined();
    expect(findRollout(home.codexHome, circle)).toBeUndefined();
    expect(findLatest(home.codexHome)).toBeUndefined();
    expect(findRollout(home.codexHome, linked)).toEndWith(`${linked}.jsonl`);
  });
});

describe("listRollouts", () => {
  test("is newest creation first and leaves other files out", async () => {
    await using home = await tempHome();
    const times = ["2025-12-31T23-59-59", "2026-11-22T10-00-01", "2026-11-22T10-00-00", "2026-02-01T00-00-00"];
    for (const created of times) addSession(home, { created });
    home.write("home/sessions/2026/11/22/notes.txt", "");
    home.write(
      "home/sessions/2026/11/22/deep/er/rollout-2026-11-22T10-00-00-01a2061d-e0e3-7330-a6da-d6eab24cfc31.jsonl",
      "",
    );
    const listed = [...listRollouts(join(home.codexHome, "sessions"))].map((file) => file.created);
    expect(listed).toEqual(times.toSorted().reverse());
  });
});

describe("findLatest", () => {
  test("is the session changed last, not the one created last", async () => {
    await using home = await tempHome();
    const resumedOften = addSession(home, { created: "2026-01-01T10-00-00", changed: 3000 });
    addSession(home, { created: "2026-11-01T10-00-00", changed: 2000 });
    expect(findLatest(home.codexHome)).toBe(resumedOften.path);
  });

  test("of those changed at the same time the newest creation", async () => {
    await using home = await tempHome();
    addSession(home, { created: "2026-11-22T10-00-00" });
    const newest = addSession(home, { created: "2026-11-22T10-00-02" });
    addSession(home, { created: "2026-11-22T10-00-01" });
    expect(findLatest(home.codexHome)).toBe(newest.path);
  });

  test("respects cwd and provider, leaves sub-agents, archives and foreign files out", async () => {
    await using home = await tempHome();
    const link = join(home.root, "link");
    symlinkSync(home.cwd, link);
    const here = addSession(home, { changed: 1000 });
    const otherProvider = addSession(home, { changed: 2000, provider: "other" });
    const elsewhere = addSession(home, { changed: 3000, cwd: "/elsewhere" });
    addSession(home, { changed: 4000, source: { subagent: "review" } });
    addSession(home, { changed: 5000, root: "archived_sessions" });
    addSession(home, { changed: 6000, content: "garbage\n{}\n" });
    addSession(home, { changed: 7000, content: "" });
    expect(findLatest(home.codexHome)).toBe(elsewhere.path);
    expect(findLatest(home.codexHome, { cwd: home.cwd })).toBe(otherProvider.path);
    expect(findLatest(home.codexHome, { cwd: link, modelProvider: "mock" })).toBe(here.path);
    expect(findLatest(home.codexHome, { cwd: join(home.root, "gone") })).toBeUndefined();
    expect(findLatest(join(home.root, "nowhere"))).toBeUndefined();
  });

  test("a session_meta after a torn first line is found", async () => {
    await using home = await tempHome();
    const meta = JSON.stringify({ type: "session_meta", payload: { id: uuidv7(), cwd: home.cwd } });
    const session = addSession(home, { content: `{"timestamp":"20\n${meta}\n` });
    expect(findLatest(home.codexHome, { cwd: home.cwd })).toBe(session.path);
  });

  test("10,000 sessions: an id needs only names, the latest one head", async () => {
    await using home = await tempHome();
    const ids = Array.from({ length: 10_000 }, (_, index) => {
      const day = String(1 + (index % 28)).padStart(2, "0");
      const id = `01a2061d-e0e3-4330-a6da-${String(index).padStart(12, "0")}`;
      const folder = join(home.codexHome, "sessions/2026/11", day);
      if (index < 28) mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `rollout-2026-11-${day}T10-00-00-${id}.jsonl`), "");
      return id;
    });
    const wanted = ids[1234] ?? "";
    const latest = addSession(home, { created: "2026-01-01T00-00-00", changed: 4_000_000_000 });
    const byId = await cpuMs(() => {
      expect(basename(findRollout(home.codexHome, wanted) ?? "")).toContain(wanted);
    });
    const last = await cpuMs(() => {
      expect(findLatest(home.codexHome)).toBe(latest.path);
    });
    // Measured 130 and 180 ms on a busy machine; the limits only catch a change of kind, such as reading every file.
    expect(byId).toBeLessThan(2000);
    expect(last).toBeLessThan(4000);
  }, 60_000);
});
