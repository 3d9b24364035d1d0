import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { RolloutRecorder } from "#rollout/recorder.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";
import { pathOf, said, sessionMeta, thrownBy } from "./sessions.ts";

const REPO = join(import.meta.dir, "../..");

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
    const recorder = RolloutRecorder.create({ codexHome: home.codexHome, meta: sessionMeta(home) });
    rmSync(dirname(pathOf(recorder)), { recursive: true });
    expect(() => recorder.append([said("still fine")])).not.toThrow();
    recorder.close();
  });
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
