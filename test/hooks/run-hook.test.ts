import { describe, expect, test } from "bun:test";
import { getEventListeners } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type HookRun, type HookRunOptions, runHook } from "#hooks/run-hook.ts";
import { namelessFiles } from "../support/nameless-files.ts";
import { tempHome } from "../support/temp-home.ts";

const ENV = { PATH: process.env.PATH ?? "" };

function run(command: string, more: Partial<HookRunOptions> = {}, signal = new AbortController().signal) {
  const options = {
    command,
    input: "{}",
    cwd: "/",
    env: ENV,
    timeoutMs: 30_000,
    onStart: () => {},
    onLeft: () => {},
    ...more,
  };
  return runHook(options, signal);
}

function isRunning(pid: number): boolean {
  try {
    // A killed orphan may stay a zombie until its new parent looks at it.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

async function gone(pid: number): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (isRunning(pid)) {
    if (Date.now() > deadline) throw new Error(`process ${pid} still runs`);
    await Bun.sleep(10);
  }
}

async function numberIn(file: string): Promise<number> {
  const deadline = Date.now() + 10_000;
  while (!existsSync(file) || !readFileSync(file, "utf8").endsWith("\n")) {
    if (Date.now() > deadline) throw new Error(`${file} never appeared`);
    await Bun.sleep(10);
  }
  return Number(readFileSync(file, "utf8"));
}

describe("runHook", () => {
  test("nothing of its input stays here when it has ended", async () => {
    const before = namelessFiles();
    for (let n = 0; n < 5; n++) await run("cat >/dev/null", { input: "x".repeat(100_000) });
    expect(namelessFiles()).toBeLessThanOrEqual(before);
  });

  test("gives the input, the folder and the environment, and returns both outputs and the exit code", async () => {
    await using home = await tempHome();
    const done = await run('cat; pwd; env | cut -d= -f1 | sort | tr "\\n" " "; echo why >&2; exit 7', {
      input: '{"a":1}',
      cwd: home.cwd,
      env: { ...ENV, MARK: "1" },
    });
    if (done.type !== "exited") throw new Error(done.reason);
    expect(done).toMatchObject({ code: 7, stderr: "why\n" });
    expect(done.stdout).toStartWith(`{"a":1}${home.cwd}\n`);
    const names = done.stdout.split("\n")[1]?.trim().split(" ") ?? [];
    expect(names.filter((name) => !["PWD", "SHLVL", "_", "OLDPWD"].includes(name))).toEqual(["MARK", "PATH"]);
  }, 30_000);

  test("its streams can be opened by name, as scripts do", async () => {
    const done = await run("cat < /dev/stdin > /dev/stdout; echo why > /dev/stderr; exit 2", { input: '{"a":1}' });
    expect(done).toEqual({ type: "exited", code: 2, stdout: '{"a":1}', stderr: "why\n" });
  }, 30_000);

  test("a hook that does not read a large input is no problem", async () => {
    const done = await run("exit 0", { input: "x".repeat(4_000_000) });
    expect(done).toEqual({ type: "exited", code: 0, stdout: "", stderr: "" });
  }, 30_000);

  test("a flood of output is read to its end and cut to a mebibyte", async () => {
    const done = await run("head -c 20000000 /dev/zero; echo end >&2");
    if (done.type !== "exited") throw new Error(done.reason);
    expect([done.code, done.stdout.length, done.stderr]).toEqual([0, 1024 * 1024, "end\n"]);
  }, 30_000);

  test("a hook that hangs, and what it started in groups of their own, is killed at the time-out", async () => {
    await using home = await tempHome();
    const child = join(home.root, "child");
    // Of the shells only bash has job control, and so process groups, without a terminal.
    const command = `exec bash -c 'trap "" TERM; set -m; sleep 600 & echo $! > ${child}; wait'`;
    const done = await run(command, { timeoutMs: 1500 });
    expect(done).toEqual({ type: "broken", reason: "ran longer than 1.5 s" });
    await gone(await numberIn(child));
  }, 30_000);

  test("what a hook leaves behind in its process group is killed when it ends", async () => {
    await using home = await tempHome();
    const child = join(home.root, "child");
    const done = await run(`sleep 600 & echo $! > ${child}; echo done`);
    expect(done).toEqual({ type: "exited", code: 0, stdout: "done\n", stderr: "" });
    await gone(await numberIn(child));
  }, 30_000);

  test("a daemon that holds the output open is not waited for", async () => {
    await using home = await tempHome();
    const child = join(home.root, "child");
    const done: HookRun = await run(
      `setsid sh -c 'echo $$ > ${child}; exec sleep 600' & while [ ! -s ${child} ]; do sleep 0.02; done; echo done`,
    );
    const pid = await numberIn(child);
    try {
      expect(done).toEqual({ type: "exited", code: 0, stdout: "done\n", stderr: "" });
    } finally {
      process.kill(pid, "SIGKILL");
    }
  }, 30_000);

  test("a crash and a folder that is not there are told apart from an end", async () => {
    expect(await run("kill -SEGV $$")).toEqual({ type: "broken", reason: "was ended by SIGSEGV" });
    const done = await run("true", { cwd: "/no/such/folder" });
    const reason = 'could not be started: the session\'s folder "/no/such/folder" is gone';
    expect(done).toEqual({ type: "broken", reason });
    const long = await run(`: ${"x".repeat(200_000)}`);
    expect(long).toMatchObject({ type: "broken", reason: expect.stringContaining("could not be started: E2BIG") });
  }, 30_000);

  test("begins only when it is known of: our death before that leaves nothing behind", async () => {
    await using home = await tempHome();
    const [pid, made] = [join(home.root, "pid"), join(home.root, "made")];
    const script = `import { writeFileSync } from "node:fs";
      import { runHook } from "${join(import.meta.dir, "../../src/hooks/run-hook.ts")}";
      const onStart = (group) => {
        writeFileSync(${JSON.stringify(pid)}, group + "\\n");
        process.kill(process.pid, "SIGKILL");
      };
      const options = { command: "touch ${made}; sleep 600", input: "{}", cwd: "/", env: process.env, timeoutMs: 30000 };
      await runHook({ ...options, onStart, onLeft: () => {} }, new AbortController().signal);`;
    const killed = Bun.spawn([process.execPath, "-e", script], { stdio: ["ignore", "ignore", "ignore"] });
    await killed.exited;
    expect(killed.signalCode).toBe("SIGKILL");
    const hook = await numberIn(pid);
    try {
      await gone(hook);
    } finally {
      if (isRunning(hook)) process.kill(-hook, "SIGKILL");
    }
    expect(existsSync(made)).toBe(false);
  }, 30_000);

  test.each([
    ["what the shell says has the numbers of its own lines", "no-such-program\nexit 3", 3, "sh: 1: no-such-program"],
    ["a comment, blank lines and texts over lines are its own", "# a\n\ncat <<E\nb\nE\n", 0, ""],
    ["a line that cannot be parsed is told of", "if", 2, "yntax error"],
  ])(
    "%s",
    async (_what, command, code, stderr) => {
      const done = await run(command);
      expect(done).toMatchObject({ type: "exited", code, stderr: expect.stringContaining(stderr) });
    },
    30_000,
  );

  test("leads a session of its own", async () => {
    const done = await run("echo $$; cat /proc/$$/stat");
    if (done.type !== "exited") throw new Error(done.reason);
    const [pid, stat = ""] = done.stdout.split("\n");
    const [_state, _parent, group, session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    expect([group, session]).toEqual([pid, pid]);
  }, 30_000);

  test("gets no descriptor and no variable but its own", async () => {
    const done = await run("ls /proc/$$/fd; set | grep -i codex");
    expect(done).toMatchObject({ type: "exited", stdout: "0\n1\n2\n" });
  }, 30_000);

  test("an interruption kills it and rejects with the reason", async () => {
    await using home = await tempHome();
    const child = join(home.root, "child");
    const controller = new AbortController();
    const running = run(`echo $$ > ${child}; sleep 600`, {}, controller.signal);
    const pid = await numberIn(child);
    controller.abort(new Error("stop it"));
    await expect(running).rejects.toThrow("stop it");
    await gone(pid);
  }, 30_000);
});

test("a hook that has ended is not killed by what ends the turn later: its number may be somebody else's", async () => {
  const { signal } = new AbortController();
  expect(await run("true", {}, signal)).toMatchObject({ code: 0 });
  expect(getEventListeners(signal, "abort")).toEqual([]);
});
