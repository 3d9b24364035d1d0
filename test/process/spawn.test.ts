import { describe, expect, test } from "bun:test";
import { openSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closeQuietly } from "#process/pipe.ts";
import { type Child, spawnOnTerminal, spawnPiped } from "#process/spawn.ts";
import { eventually, isAlive, plainPlan, scriptPlan } from "./plain-plan.ts";

const SIZE = { cols: 80, rows: 24 };

interface Run {
  child: Child;
  output(): string;
}

function run(script: string, options: { tty?: boolean } = {}): Run {
  let output = "";
  const decoder = new TextDecoder();
  const onOutput = (chunk: Uint8Array) => {
    output += decoder.decode(chunk, { stream: true });
  };
  const plan = scriptPlan(script);
  const child = options.tty ? spawnOnTerminal(plan, SIZE, onOutput) : spawnPiped(plan, onOutput);
  return { child, output: () => output };
}

/** The number a script printed, as soon as it has. */
async function printedPid(started: Run): Promise<number> {
  await eventually(() => /^\d+\s/m.test(started.output()));
  return Number(/^\d+/m.exec(started.output())?.[0]);
}

describe("a piped command", () => {
  test("keeps the order of stdout and stderr", async () => {
    const started = run("for i in 1 2 3; do echo out$i; echo err$i >&2; done; echo x > /dev/stderr; exit 3");
    expect(await started.child.finished).toBe(3);
    expect(started.output()).toBe("out1\nerr1\nout2\nerr2\nout3\nerr3\nx\n");
  });

  test("reads an empty stdin", async () => {
    const started = run("cat; read -r line || echo eof");
    expect(await started.child.finished).toBe(0);
    expect(started.output()).toBe("eof\n");
  });

  test("dies by a signal with 128 + its number", async () => {
    expect(await run("kill -9 $$").child.finished).toBe(137);
  });

  test("leaves nothing of its process group behind", async () => {
    const started = run("sleep 300 & echo $!");
    expect(await started.child.finished).toBe(0);
    const pid = await printedPid(started);
    await eventually(async () => !(await isAlive(pid)));
  });

  test("does not wait for a daemon that keeps its output open", async () => {
    const started = run("setsid sh -c 'echo $$; exec sleep 300' & sleep 0.3; echo done");
    expect(await started.child.finished).toBe(0);
    expect(started.output()).toContain("done\n");
    const daemon = await printedPid(started);
    expect(await isAlive(daemon)).toBe(true);
    process.kill(daemon, "SIGKILL");
  });

  test("passes a flood through", async () => {
    let total = 0;
    const child = spawnPiped(scriptPlan("head -c 100M /dev/zero"), (chunk) => {
      total += chunk.length;
    });
    expect(await child.finished).toBe(0);
    expect(total).toBe(100 * 1024 * 1024);
  });

  test("hands on the plan's descriptors and releases the plan", async () => {
    const fd = openSync("/proc/self/status", "r");
    const plan = {
      ...scriptPlan("readlink /proc/self/fd/3 | sed 's/[0-9][0-9]*/N/'; cd /proc/$$/fd; echo *"),
      inheritFds: [fd],
    };
    let output = "";
    const child = spawnPiped(plan, (chunk) => {
      output += new TextDecoder().decode(chunk);
    });
    closeQuietly(fd);
    expect(await child.finished).toBe(0);
    expect(output).toBe("/proc/N/status\n0 1 2 3 4\n");
    expect(plan.calls).toEqual(["release"]);
  });
});

describe("ending a command", () => {
  test("sends SIGTERM first", async () => {
    const started = run("trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.01; done");
    await eventually(() => started.output().includes("ready"));
    started.child.terminate();
    expect(await started.child.finished).toBe(7);
    expect(started.output()).toEndWith("bye\n");
  });

  test("kills what ignores SIGTERM", async () => {
    const started = run("trap '' TERM; echo $$; sleep 300; sleep 300");
    await printedPid(started);
    started.child.terminate();
    expect(await started.child.finished).toBe(137);
  });

  test("kills children that left the process group", async () => {
    const started = run("set -m; sleep 300 & echo $!; wait");
    const pid = await printedPid(started);
    started.child.terminate();
    await started.child.finished;
    await eventually(async () => !(await isAlive(pid)));
  });

  test("may be asked for twice and after the end", async () => {
    const started = run("sleep 300");
    started.child.terminate();
    started.child.terminate();
    expect(await started.child.finished).toBe(143);
    started.child.terminate();
  });
});

describe("a command on a terminal", () => {
  test("has a controlling terminal of its own, and our TERM", async () => {
    const started = run("tty; stty size; echo $TERM; : > /dev/tty && echo controlling", { tty: true });
    expect(await started.child.finished).toBe(0);
    expect(started.output()).toMatch(/^\/dev\/pts\/\d+\r\n24 80\r\ndumb\r\ncontrolling\r\n$/);
  });

  test("echoes what is typed, and ^C interrupts", async () => {
    const started = run("read -r line; echo got $line; echo ready; sleep 300", { tty: true });
    started.child.terminal?.write("hé\n");
    await eventually(() => started.output().includes("ready"));
    expect(started.output()).toBe("hé\r\ngot hé\r\nready\r\n");
    started.child.terminal?.write("\u0003");
    expect(await started.child.finished).toBe(130);
    expect(started.output()).toEndWith("^C");
  });

  test("can be resized, and typing after the end is harmless", async () => {
    const started = run("read -r _; stty size", { tty: true });
    started.child.terminal?.resize({ cols: 100, rows: 30 });
    started.child.terminal?.write("\n");
    expect(await started.child.finished).toBe(0);
    expect(started.output()).toContain("30 100\r\n");
    started.child.terminal?.write("late");
    started.child.terminal?.resize(SIZE);
  });

  test("is ended whole", async () => {
    const started = run("trap '' TERM HUP; echo $$; sleep 300; sleep 300", { tty: true });
    const pid = await printedPid(started);
    started.child.terminate();
    expect(await started.child.finished).toBe(137);
    expect(await isAlive(pid)).toBe(false);
  });
});

test("a program or folder that is missing throws and leaks nothing", async () => {
  const openFds = () => readdirSync("/proc/self/fd").length;
  const missing = join(tmpdir(), "codex-missing-folder");
  rmSync(missing, { recursive: true, force: true });
  const before = openFds();
  for (let round = 0; round < 20; round++) spawnTwice();
  // Bun closes the terminal of a failed spawn a little later.
  await eventually(() => openFds() <= before);

  function spawnTwice(): void {
    expect(() => spawnPiped(plainPlan(["/nowhere/program"]), () => {})).toThrow();
    const plan = plainPlan(["/bin/true"], { cwd: missing });
    expect(() => spawnOnTerminal(plan, SIZE, () => {})).toThrow();
    expect(plan.calls).toEqual(["release"]);
  }
});

test("a hundred commands leave no descriptor and no zombie", async () => {
  const openFds = () => readdirSync("/proc/self/fd").length;
  await runBatch(4);
  const before = openFds();
  await runBatch(50);
  await eventually(() => openFds() <= before);
  const zombies = readdirSync("/proc/self/task")
    .flatMap((task) => readChildren(task))
    .filter((pid) => readState(pid) === "Z");
  expect(zombies).toEqual([]);

  async function runBatch(size: number): Promise<void> {
    const children = Array.from({ length: size }, (_, index) => run("echo x", { tty: index % 2 === 0 }).child);
    await Promise.all(children.map((child) => child.finished));
  }
});

function readChildren(task: string): string[] {
  return readSmall(`/proc/self/task/${task}/children`).split(" ").filter(Boolean);
}

function readState(pid: string): string | undefined {
  return /\) (\w) /.exec(readSmall(`/proc/${pid}/stat`))?.[1];
}

function readSmall(path: string): string {
  const result = Bun.spawnSync(["cat", path]);
  return result.stdout.toString();
}
