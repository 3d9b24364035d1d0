import { afterEach, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { basename, join } from "node:path";
import { uuidv7 } from "#lib/ids.ts";
import { textMessage } from "#protocol/items.ts";
import type { TurnContextRecord } from "#protocol/rollout-item.ts";
import { parseRolloutName } from "#rollout/path.ts";
import { RolloutRecorder } from "#rollout/recorder.ts";
import { tempHome } from "../support/temp-home.ts";
import { pathOf, said, sessionMeta, thrownBy } from "./sessions.ts";

const REPO = join(import.meta.dir, "../..");
const open: RolloutRecorder[] = [];

afterEach(() => {
  for (const recorder of open.splice(0)) recorder.close();
});

function kept(recorder: RolloutRecorder): RolloutRecorder {
  open.push(recorder);
  return recorder;
}

function linesOf(path: string): { timestamp: string; type: string; payload: unknown }[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

describe("a new session's file", () => {
  test("is named after local time and thread, has mode 644 and begins with session_meta", async () => {
    await using home = await tempHome();
    const meta = sessionMeta(home);
    const startedAtMs = new Date(2026, 10, 2, 3, 4, 5).getTime();
    const path = pathOf(kept(RolloutRecorder.create({ codexHome: home.codexHome, meta, startedAtMs })));
    const folder = join(home.codexHome, "sessions/2026/11/02");
    expect(path).toBe(join(folder, `rollout-2026-11-02T03-04-05-${meta.id}.jsonl`));
    expect(statSync(path).mode & 0o777).toBe(0o644 & ~process.umask());
    const [line] = readFileSync(path, "utf8").split("\n");
    expect(line).toMatch(
      /^\{"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","type":"session_meta","payload":\{"id":/,
    );
    expect(linesOf(path)).toEqual([{ timestamp: expect.any(String), type: "session_meta", payload: meta }]);
  });

  test("grows by one write for each append, readable at once", async () => {
    await using home = await tempHome();
    const recorder = kept(RolloutRecorder.create({ codexHome: home.codexHome, meta: sessionMeta(home) }));
    const path = pathOf(recorder);
    recorder.append([said("one"), said("two")]);
    expect(linesOf(path)).toHaveLength(3);
    recorder.append([said("three")]);
    expect(linesOf(path).map((line) => line.payload)).toEqual([
      expect.anything(),
      textMessage("user", "one"),
      textMessage("user", "two"),
      textMessage("user", "three"),
    ]);
  });

  test("replaces half surrogate pairs, which strict readers refuse, and keeps text that spells one", async () => {
    await using home = await tempHome();
    const recorder = kept(RolloutRecorder.create({ codexHome: home.codexHome, meta: sessionMeta(home) }));
    recorder.append([said("cut \ud83d here"), said("spelled \\ud83d here"), said("whole 😀")]);
    const texts = linesOf(pathOf(recorder)).slice(1);
    expect(texts.map((line) => line.payload)).toEqual([
      textMessage("user", "cut \ufffd here"),
      textMessage("user", "spelled \\ud83d here"),
      textMessage("user", "whole 😀"),
    ]);
  });

  test("an ephemeral session leaves nothing behind", async () => {
    await using home = await tempHome();
    const recorder = RolloutRecorder.ephemeral();
    recorder.append([said("secret")]);
    recorder.close();
    expect(recorder.path).toBeNull();
    expect([...new Bun.Glob("**/*").scanSync({ cwd: home.codexHome, onlyFiles: false })]).toEqual([]);
  });

  test("a close is final and safe to repeat", async () => {
    await using home = await tempHome();
    const recorder = RolloutRecorder.create({ codexHome: home.codexHome, meta: sessionMeta(home) });
    recorder.close();
    recorder.close();
    recorder.append([said("late")]);
    expect(linesOf(pathOf(recorder))).toHaveLength(1);
  });
});

describe("what is stored of an item", () => {
  test("no server ids, unknown items as they came, long instructions only when they change", async () => {
    await using home = await tempHome();
    const recorder = kept(RolloutRecorder.create({ codexHome: home.codexHome, meta: sessionMeta(home) }));
    const raw = { type: "image_generation_call", id: "ig_1", result: "…" };
    recorder.append([
      {
        type: "response_item",
        payload: { type: "function_call", id: "fc_1", name: "x", arguments: "{}", call_id: "c1" },
      },
      { type: "response_item", payload: { type: "unknown", raw } },
      turnContext("read AGENTS.md"),
      turnContext("read AGENTS.md"),
      turnContext("changed"),
      { type: "compacted", payload: { message: "m", replacement_history: [{ type: "unknown", raw }] } },
    ]);
    const payloads = linesOf(pathOf(recorder)).map((line) => line.payload);
    expect(payloads.slice(1, 3)).toEqual([{ type: "function_call", name: "x", arguments: "{}", call_id: "c1" }, raw]);
    expect(payloads.slice(3, 6)).toEqual([
      turnContext("read AGENTS.md").payload,
      turnContext(undefined).payload,
      turnContext("changed").payload,
    ]);
    expect(payloads[6]).toEqual({ message: "m", replacement_history: [raw] });
  });

  function turnContext(instructions: string | undefined): { type: "turn_context"; payload: TurnContextRecord } {
    return {
      type: "turn_context",
      payload: {
        turn_id: "t",
        cwd: "/p",
        approval_policy: "never",
        sandbox_policy: { type: "read-only" },
        model: "m",
        collaboration_mode: {
          mode: "default",
          settings: { model: "m", reasoning_effort: null, developer_instructions: null },
        },
        summary: "auto",
        ...(instructions !== undefined && { user_instructions: instructions }),
        truncation_policy: { mode: "tokens", limit: 10_000 },
      },
    };
  }
});

describe("going on with a file", () => {
  test("appends after what is there, without a second session_meta", async () => {
    await using home = await tempHome();
    const first = RolloutRecorder.create({ codexHome: home.codexHome, meta: sessionMeta(home) });
    first.close();
    const before = readFileSync(pathOf(first), "utf8");
    const second = kept(RolloutRecorder.resume(pathOf(first)));
    second.append([said("again")]);
    const after = readFileSync(pathOf(first), "utf8");
    expect(after.startsWith(before)).toBe(true);
    expect(linesOf(pathOf(first)).map((line) => line.type)).toEqual(["session_meta", "response_item"]);
  });

  test("leaves a torn last line as it is, on a line of its own", async () => {
    await using home = await tempHome();
    const first = RolloutRecorder.create({ codexHome: home.codexHome, meta: sessionMeta(home) });
    first.close();
    const path = pathOf(first);
    appendFileSync(path, '{"timestamp":"2026');
    const second = kept(RolloutRecorder.resume(path));
    second.append([said("after the crash")]);
    second.append([said("and on")]);
    const lines = readFileSync(path, "utf8").split("\n");
    expect(lines).toHaveLength(5);
    expect(lines[1]).toBe('{"timestamp":"2026');
    expect(JSON.parse(lines[2] ?? "").payload).toEqual(textMessage("user", "after the crash"));
    expect(lines[4]).toBe("");
  });

  test("numbers its lines where 0.169 numbered the earlier ones, however far back the last number is", async () => {
    await using home = await tempHome();
    const line = (ordinal: number | undefined, text: string) =>
      `${JSON.stringify({ timestamp: "2026-11-22T10:00:00.000Z", ordinal, type: "event_msg", payload: { text } })}\n`;
    const spelled = '\n{"timestamp":"x","ordinal":99,';
    const table: [string, number | undefined][] = [
      [line(0, "a") + line(1, "b"), 2],
      [line(0, "a") + line(7, "x".repeat(300_000)), 8],
      [line(0, "a") + line(7, spelled) + line(undefined, "continued by 0.101".repeat(9000)), 8],
      [`${line(0, "a")}{"timestamp":"2026-11-22T10:00:00.000Z","ordinal":5,"ty`, 6],
      [line(undefined, "a") + line(3, "not numbered from the start"), undefined],
      [line(undefined, spelled), undefined],
      ["", undefined],
    ];
    for (const [content, expected] of table) {
      const path = home.write("numbered.jsonl", content);
      const recorder = kept(RolloutRecorder.resume(path));
      recorder.append([said("one"), said("two")]);
      const added = readFileSync(path, "utf8").trimEnd().split("\n").slice(-2);
      const ordinals = added.map((text) => JSON.parse(text).ordinal);
      expect(ordinals).toEqual(expected === undefined ? [undefined, undefined] : [expected, expected + 1]);
      if (expected !== undefined)
        expect(added[0]).toMatch(/^\{"timestamp":"[^"]+","ordinal":\d+,"type":"response_item",/);
    }
  });

  test("an empty file, a missing file and a folder in its place", async () => {
    await using home = await tempHome();
    const empty = home.write("empty.jsonl", "");
    kept(RolloutRecorder.resume(empty)).append([said("x")]);
    expect(linesOf(empty)).toHaveLength(1);
    const missing = join(home.root, "missing.jsonl");
    expect(thrownBy(() => RolloutRecorder.resume(missing)).message).toBe(
      `Cannot continue the session file "${missing}": No such file or directory (os error 2)`,
    );
    expect(thrownBy(() => RolloutRecorder.resume(home.root)).message).toContain(`"${home.root}"`);
  });

  test("two processes on one file: every line whole, none lost", async () => {
    await using home = await tempHome();
    const recorder = RolloutRecorder.create({ codexHome: home.codexHome, meta: sessionMeta(home) });
    recorder.close();
    const path = pathOf(recorder);
    const script = `
      import { RolloutRecorder } from "#rollout/recorder.ts";
      import { textMessage } from "#protocol/items.ts";
      const [path, name] = process.argv.slice(-2);
      const recorder = RolloutRecorder.resume(path);
      for (let n = 0; n < 300; n++) recorder.append([{ type: "response_item", payload: textMessage("user", name + n + "x".repeat(n * 40)) }]);
      recorder.close();`;
    const children = ["a", "b"].map((name) =>
      Bun.spawn([process.execPath, "-e", script, path, name], { cwd: REPO, stdout: "inherit", stderr: "inherit" }),
    );
    expect(await Promise.all(children.map((child) => child.exited))).toEqual([0, 0]);
    const lines = linesOf(path).slice(1);
    expect(lines).toHaveLength(600);
    for (const name of ["a", "b"]) {
      const own = lines.map((line) => JSON.stringify(line.payload)).filter((text) => text.includes(`"text":"${name}`));
      expect(own.map((text) => Number(/"text":".(\d+)/.exec(text)?.[1]))).toEqual([...Array(300).keys()]);
    }
  }, 60_000);
});

describe("between turns", () => {
  test("the file is closed, and takes what follows", async () => {
    await using home = await tempHome();
    const recorder = kept(RolloutRecorder.create({ codexHome: home.codexHome, meta: sessionMeta(home) }));
    recorder.append([said("one")]);
    expect(isOpen(pathOf(recorder))).toBe(true);
    await untilClosed(pathOf(recorder));
    recorder.append([said("two"), said("three")]);
    await untilClosed(pathOf(recorder));
    recorder.append([said("four")]);
    const texts = linesOf(pathOf(recorder)).slice(1);
    expect(texts.map((line) => line.payload)).toEqual(
      ["one", "two", "three", "four"].map((text) => textMessage("user", text)),
    );
  });

  test("a file that is deleted or replaced stays as it is, and the session goes on", async () => {
    await using home = await tempHome();
    for (const change of ["deleted", "replaced"]) {
      const recorder = kept(RolloutRecorder.create({ codexHome: home.codexHome, meta: sessionMeta(home) }));
      const path = pathOf(recorder);
      await untilClosed(path);
      if (change === "deleted") rmSync(path);
      else renameSync(home.write("other", "somebody else's"), path);
      recorder.append([said("x")]);
      recorder.append([said("y")]);
      if (change === "deleted") expect(() => statSync(path)).toThrow();
      else expect(readFileSync(path, "utf8")).toBe("somebody else's");
    }
  });

  test("a file that cannot be opened again keeps its lines waiting, with the reason", async () => {
    await using home = await tempHome();
    const recorder = kept(RolloutRecorder.create({ codexHome: home.codexHome, meta: sessionMeta(home) }));
    const path = pathOf(recorder);
    await untilClosed(path);
    const aside = join(home.root, "aside");
    renameSync(path, aside);
    // A link that leads to itself: the one mistake that keeps even root out.
    symlinkSync(path, path);
    expect(thrownBy(() => recorder.append([said("one")])).message).toBe(
      `Cannot write to the session file "${path}": Too many levels of symbolic links (os error 40)`,
    );
    rmSync(path);
    renameSync(aside, path);
    recorder.append([said("two")]);
    expect(
      linesOf(path)
        .slice(1)
        .map((line) => line.payload),
    ).toEqual([textMessage("user", "one"), textMessage("user", "two")]);
  });

  function isOpen(path: string): boolean {
    return readdirSync("/proc/self/fd").some((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`) === path;
      } catch {
        return false;
      }
    });
  }

  async function untilClosed(path: string): Promise<void> {
    for (let tries = 0; isOpen(path); tries++) {
      if (tries === 500) throw new Error("the file was never closed");
      await Bun.sleep(20);
    }
  }
});

test("a rollout's name gives thread and time; other names give nothing", () => {
  const id = uuidv7();
  expect(parseRolloutName(`rollout-2026-11-22T10-00-00-${id}.jsonl`)).toEqual({
    threadId: id,
    created: "2026-11-22T10-00-00",
  });
  for (const name of [
    `rollout-2026-11-22-${id}.jsonl`,
    `rollout-2026-11-22T10-00-00-${id}.json`,
    "rollout-x.jsonl",
    basename(REPO),
  ]) {
    expect(parseRolloutName(name)).toBeUndefined();
  }
});
