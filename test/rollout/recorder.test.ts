import { afterEach, describe, expect, test } from "bun:test";
import { appendFileSync, chmodSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { CodexError } from "#lib/errors.ts";
import { uuidv7 } from "#lib/ids.ts";
import { textMessage } from "#protocol/items.ts";
import type { RolloutItem, SessionMeta, TurnContextRecord } from "#protocol/rollout-item.ts";
import { parseRolloutName } from "#rollout/path.ts";
import { RolloutRecorder } from "#rollout/recorder.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

const REPO = join(import.meta.dir, "../..");
const open: RolloutRecorder[] = [];

afterEach(() => {
  for (const recorder of open.splice(0)) recorder.close();
});

function kept(recorder: RolloutRecorder): RolloutRecorder {
  open.push(recorder);
  return recorder;
}

function sessionMeta(home: TempHome, id = uuidv7()): SessionMeta {
  return {
    id,
    timestamp: "2026-11-22T23:27:33.076Z",
    cwd: home.cwd,
    originator: "codex_exec",
    cli_version: "0.101.0",
    source: "exec",
    model_provider: "mock",
    base_instructions: { text: "base" },
  };
}

function pathOf(recorder: RolloutRecorder): string {
  expect(recorder.path).not.toBeNull();
  return recorder.path ?? "";
}

function linesOf(path: string): { timestamp: string; type: string; payload: unknown }[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

function said(text: string): RolloutItem {
  return { type: "response_item", payload: textMessage("user", text) };
}

function thrownBy(action: () => unknown): CodexError {
  try {
    action();
  } catch (error) {
    if (error instanceof CodexError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
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

describe("when the disk does not take it", () => {
  test("a session file that cannot be created names the path and the ways out", async () => {
    await using home = await tempHome();
    home.write("home/sessions", "a file where the folder should be");
    const error = thrownBy(() => RolloutRecorder.create({ codexHome: home.codexHome, meta: sessionMeta(home) }));
    expect(error.code).toBe("rollout_create");
    expect(error.message).toStartWith(`Cannot create the session file "${join(home.codexHome, "sessions")}/`);
    expect(error.message).toContain("--ephemeral");
  });

  test("a read-only home is refused with its reason", async () => {
    await using home = await tempHome();
    chmodSync(home.root, 0o755);
    chmodSync(home.codexHome, 0o555);
    const script = `
      import { RolloutRecorder } from "#rollout/recorder.ts";
      const [codexHome, cwd] = process.argv.slice(-2);
      try {
        RolloutRecorder.create({ codexHome, meta: { id: "01a2061d-e0e3-7330-a6da-d6eab24cfc31", cwd } });
      } catch (error) { console.log(error.code + ": " + error.message); }`;
    const out = await runUnprivileged(home, script, [home.codexHome, home.cwd]);
    expect(out).toStartWith(`rollout_create: Cannot create the session file "${home.codexHome}/sessions/`);
    expect(out).toContain("Permission denied (os error 13)");
  }, 30_000);

  test("a file that may not grow: what was written stays, the rest is written once there is room", async () => {
    await using home = await tempHome();
    const script = `
      import { RolloutRecorder } from "#rollout/recorder.ts";
      import { textMessage } from "#protocol/items.ts";
      const recorder = RolloutRecorder.resume(process.argv.at(-1));
      for (let n = 0; n < 8; n++) {
        try {
          recorder.append([{ type: "response_item", payload: textMessage("user", n + "y".repeat(1000)) }]);
        } catch (error) { console.log(n + " " + error.code + ": " + error.message); }
      }
      recorder.close();`;
    const path = home.write("limited.jsonl", "");
    // A file size limit of 4 KiB; the shell ignores the signal, so writes fail as on a full disk.
    const limited = `trap '' XFSZ; ulimit -S -f 4; exec "$@"`;
    const out = await run(["bash", "-c", limited, "bash", process.execPath, "-e", script, path]);
    const first = out.split("\n")[0] ?? "";
    expect(first).toMatch(
      /^3 rollout_write: Cannot write to the session file ".*limited\.jsonl": File too large \(os error 27\)$/,
    );
    const lines = readFileSync(path, "utf8").split("\n");
    expect(lines.slice(0, 3).map((line) => JSON.parse(line).payload.content[0].text[0])).toEqual(["0", "1", "2"]);
  }, 30_000);

  test("a full disk: lines wait in order and follow when space is free again", async () => {
    await using home = await tempHome();
    const script = `
      import { RolloutRecorder } from "#rollout/recorder.ts";
      import { textMessage } from "#protocol/items.ts";
      import { readFileSync, rmSync, writeFileSync, copyFileSync } from "node:fs";
      const [mount, out] = process.argv.slice(-2);
      const path = mount + "/s.jsonl";
      writeFileSync(path, "");
      const recorder = RolloutRecorder.resume(path);
      const say = (text) => recorder.append([{ type: "response_item", payload: textMessage("user", text) }]);
      say("before");
      writeFileSync(mount + "/ballast", "z".repeat(48 * 1024));
      let failures = 0;
      for (let n = 0; n < 20; n++) try { say(n + "w".repeat(2000)); } catch (error) {
        failures++;
        if (failures === 1) console.log(error.code + ": " + error.message);
      }
      try { RolloutRecorder.create({ codexHome: mount, meta: { id: "01a2061d-e0e3-7330-a6da-d6eab24cfc31", cwd: "x".repeat(9000) } }); }
      catch (error) { console.log(error.code); }
      console.log([...new Bun.Glob("**/rollout-*").scanSync(mount)].length + " half-made files");
      rmSync(mount + "/ballast");
      say("after");
      recorder.close();
      console.log(failures > 0 ? "failed some" : "never failed");
      copyFileSync(path, out);`;
    mkdirSync(join(home.root, "disk"));
    const copy = join(home.root, "copy.jsonl");
    const shell = `mount -t tmpfs -o size=64k tmpfs "$1" || exit 77; shift; exec "$@"`;
    const command = [process.execPath, "-e", script, join(home.root, "disk"), copy];
    const child = Bun.spawn(["unshare", "-rm", "bash", "-c", shell, "bash", join(home.root, "disk"), ...command], {
      cwd: REPO,
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    if (exitCode === 77 || stderr.includes("unshare")) {
      console.warn(`NOT TESTED: a full disk (no private mount possible here: ${stderr.trim()})`);
      return;
    }
    expect(stderr).toBe("");
    const [first, code, halfMade, second] = stdout.split("\n");
    expect([code, halfMade]).toEqual(["rollout_write", "0 half-made files"]);
    expect(first).toMatch(
      /^rollout_write: Cannot write to the session file ".*s\.jsonl": No space left on device \(os error 28\)/,
    );
    expect(second).toBe("failed some");
    const whole = readFileSync(copy, "utf8")
      .split("\n")
      .flatMap((line) => {
        try {
          return [JSON.parse(line).payload.content[0].text.replace(/w+$/, "")];
        } catch {
          return [];
        }
      });
    expect(whole).toEqual(["before", ...[...Array(20).keys()].map(String), "after"]);
  }, 30_000);

  test("a session deleted meanwhile does not break the one that goes on", async () => {
    await using home = await tempHome();
    const recorder = kept(RolloutRecorder.create({ codexHome: home.codexHome, meta: sessionMeta(home) }));
    rmSync(dirname(pathOf(recorder)), { recursive: true });
    expect(() => recorder.append([said("still fine")])).not.toThrow();
  });
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

async function run(command: string[]): Promise<string> {
  const child = Bun.spawn(command, { cwd: REPO, stdout: "pipe", stderr: "inherit" });
  const [stdout] = await Promise.all([child.stdout.text(), child.exited]);
  return stdout;
}

/** Root may write anywhere, so as root the script runs as nobody, with a copy of what it needs readable to it. */
async function runUnprivileged(home: TempHome, script: string, args: string[]): Promise<string> {
  if (process.getuid?.() !== 0) return run([process.execPath, "-e", script, ...args]);
  const bundle = join(home.root, "bundle.js");
  const entry = home.write("entry.ts", script.replaceAll('"#', `"${REPO}/src/`));
  await Bun.build({ entrypoints: [entry], target: "bun", outdir: home.root, naming: "bundle.js" });
  chmodSync(bundle, 0o644);
  const bun = join(home.root, "bun");
  await Bun.write(bun, Bun.file(process.execPath));
  chmodSync(bun, 0o755);
  return run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", bun, bundle, ...args]);
}
