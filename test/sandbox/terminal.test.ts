import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { accounts, makePlace, type Place, planSandboxed, whySkipped } from "./support.ts";

const skip = (await whySkipped()) !== undefined;
const DEADLINE_MS = 10_000;
setDefaultTimeout(4 * DEADLINE_MS);
const CTRL_C = "\u0003";
const CTRL_Z = "\u001a";
const CTRL_BACKSLASH = "\u001c";

describe.skipIf(skip).each(accounts)("a terminal as $name", (account) => {
  let place: Place;
  beforeEach(() => {
    place = makePlace(account);
  });
  afterEach(() => place.remove());

  function start(argv: string[], env: Record<string, string> = {}) {
    const plan = planSandboxed(place, argv, { tty: true, env: { PATH: "/usr/bin:/bin", ...env } });
    let output = "";
    const decoder = new TextDecoder();
    const child = Bun.spawn([...account.prefix, ...plan.argv], {
      cwd: plan.cwd,
      env: plan.env,
      terminal: {
        cols: 80,
        rows: 24,
        data: (_terminal, chunk) => {
          output += decoder.decode(chunk, { stream: true });
        },
      },
      stdio: [undefined, undefined, undefined, ...plan.inheritFds],
    });
    plan.release();
    const waitFor = async (text: RegExp) => {
      const end = performance.now() + DEADLINE_MS;
      while (!text.test(output)) {
        if (performance.now() > end) throw new Error(`no ${text} in ${JSON.stringify(output)}`);
        await Bun.sleep(5);
      }
    };
    const end = async () => {
      const exitCode = await child.exited;
      await Bun.sleep(20);
      child.terminal?.close();
      plan.finished();
      return { exitCode, output };
    };
    return { type: (text: string) => child.terminal?.write(text), waitFor, end };
  }

  test("is the controlling one, with job control", async () => {
    const session = start([
      "/bin/bash",
      "-c",
      'test -t 0 && test -t 1 && : </dev/tty && set -m && sleep 0 & wait; echo "done $?"',
    ]);
    const { exitCode, output } = await session.end();
    expect([exitCode, output]).toEqual([0, "done 0\r\n"]);
  });

  test("^C and ^\\ reach the command and not bwrap", async () => {
    const script = 'trap "echo caught" INT; trap "echo quit; exit 7" QUIT; echo ready; while :; do sleep 0.05; done';
    const session = start(["/bin/bash", "-c", script]);
    await session.waitFor(/ready/);
    session.type(CTRL_C);
    await session.waitFor(/caught/);
    session.type(CTRL_BACKSLASH);
    await session.waitFor(/quit/);
    expect((await session.end()).exitCode).toBe(7);
  });

  test("^C ends a program that does not care", async () => {
    const session = start(["/bin/sh", "-c", "echo ready; exec sleep 600"]);
    await session.waitFor(/ready/);
    session.type(CTRL_C);
    expect((await session.end()).exitCode).toBe(128 + 2);
  });

  test("^Z stops a job of an interactive shell, which goes on", async () => {
    const session = start(["/bin/bash", "--norc", "--noprofile", "-i"], { PS1: "prompt:" });
    await session.waitFor(/prompt:/);
    session.type("sh -c 'echo rea''dy; exec sleep 600'\n");
    await session.waitFor(/ready/);
    session.type(CTRL_Z);
    // What is typed before the prompt is back is thrown away.
    await session.waitFor(/Stopped[\s\S]*prompt:/);
    session.type("kill -9 %1; exec sh -c 'exit 4'\n");
    expect((await session.end()).exitCode).toBe(4);
  });

  test.skipIf(!existsSync("/usr/bin/perl"))("does not take input pushed into it", async () => {
    const session = start([
      "/usr/bin/perl",
      "-e",
      'my $c = "x"; print ioctl(STDIN, 0x5412, $c) ? "pushed" : $!+0, "\\n"',
    ]);
    expect((await session.end()).output).toBe("1\r\n");
  });

  test("a program whose name looks like a variable is run", async () => {
    const session = start(["A=B"]);
    const { exitCode, output } = await session.end();
    expect([exitCode, output]).toEqual([127, expect.stringContaining("A=B")]);
  });
});
