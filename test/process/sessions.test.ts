import { describe, expect, test } from "bun:test";
import { capturedText } from "#process/output-buffer.ts";
import { type SessionObserver, SessionTable } from "#process/sessions.ts";
import type { StartFailure } from "#sandbox/sandbox.ts";
import { eventually, isAlive, scriptPlan } from "./plain-plan.ts";

interface Ending {
  output: string;
  exitCode: number | null;
}

function recorder(): SessionObserver & { endings: Ending[]; chunks: number } {
  const endings: Ending[] = [];
  const observer = {
    endings,
    chunks: 0,
    output: () => {
      observer.chunks++;
    },
    finished: ({ output, exitCode }: Parameters<SessionObserver["finished"]>[0]) => {
      endings.push({ output: capturedText(output), exitCode });
    },
  };
  return observer;
}

function start(table: SessionTable, script: string, options: { tty?: boolean } = {}) {
  const observer = recorder();
  const plan = scriptPlan(script);
  const session = table.start({ plan, tty: options.tty ?? false, observer });
  const controller = new AbortController();
  const collect = (yieldMs = 20_000) => table.collect(session, { yieldMs, signal: controller.signal });
  return { session, observer, plan, collect, controller };
}

describe("one session", () => {
  test("ends within the wait: output, exit code, one report, plan finished", async () => {
    const table = new SessionTable();
    const { collect, observer, plan, session } = start(table, "echo out; echo err >&2; exit 5");
    const collected = await collect();
    expect(capturedText(collected.output)).toBe("out\nerr\n");
    expect(collected.exitCode).toBe(5);
    expect(observer.endings).toEqual([{ output: "out\nerr\n", exitCode: 5 }]);
    expect(observer.chunks).toBeGreaterThan(0);
    expect(plan.calls).toEqual(["release", "finished"]);
    expect(table.find(session.id)).toBeUndefined();
    expect(table.size).toBe(0);
  });

  test("outlives the wait; later looks give what came since, the report gives everything", async () => {
    const table = new SessionTable();
    const { collect, observer, session } = start(table, "echo first; read -r _; echo second; exit 2", { tty: true });
    let seen = "";
    await eventually(async () => {
      const collected = await collect(1);
      expect(collected.exitCode).toBeNull();
      seen += capturedText(collected.output);
      return seen === "first\r\n";
    });
    session.write("\n");
    const last = await collect();
    expect(capturedText(last.output)).toBe("\r\nsecond\r\n");
    expect(last.exitCode).toBe(2);
    expect(observer.endings).toEqual([{ output: "first\r\n\r\nsecond\r\n", exitCode: 2 }]);
  });

  test("that ended between two looks is still there for the next", async () => {
    const table = new SessionTable();
    const { collect, observer, session } = start(table, "sleep 0.05; echo late; exit 4");
    expect((await collect(1)).exitCode).toBeNull();
    await eventually(() => observer.endings.length === 1);
    expect(table.find(session.id)).toBeDefined();
    const collected = await collect();
    expect([capturedText(collected.output), collected.exitCode]).toEqual(["late\n", 4]);
  });

  test("has an id of four or five digits", () => {
    const table = new SessionTable();
    const { session } = start(table, "true");
    expect(session.id).toBeGreaterThanOrEqual(1000);
    expect(session.id).toBeLessThanOrEqual(99_999);
  });

  test("that never ran says so instead of giving bwrap's exit code", async () => {
    const failure: StartFailure = { unavailable: false, exitCode: 127, message: "no such program" };
    const seen: string[] = [];
    const plan = {
      ...scriptPlan("echo wrapper says no; exit 1"),
      startFailure: (stderr: string) => {
        seen.push(stderr);
        return failure;
      },
    };
    const table = new SessionTable();
    const session = table.start({ plan, tty: false, observer: recorder() });
    const collected = await table.collect(session, { yieldMs: 20_000, signal: new AbortController().signal });
    expect(collected.startFailure).toEqual(failure);
    expect(collected.exitCode).toBe(127);
    expect(seen).toEqual(["wrapper says no\n"]);
  });
});

describe("interruption", () => {
  test("ends the command that is waited for and reports it without exit code", async () => {
    const table = new SessionTable();
    const { collect, controller, observer, plan } = start(table, "trap '' TERM; echo $$; sleep 300; sleep 300");
    const waiting = collect();
    await eventually(() => observer.chunks > 0);
    const reason = new Error("interrupted");
    controller.abort(reason);
    expect(await waiting.catch((error: unknown) => error)).toBe(reason);
    const [ending] = observer.endings;
    expect(ending?.exitCode).toBeNull();
    expect(await isAlive(Number(ending?.output))).toBe(false);
    expect(plan.calls).toEqual(["release", "finished"]);
    expect(observer.endings).toHaveLength(1);
  });

  test("that came before the wait ends the command too", async () => {
    const table = new SessionTable();
    const { collect, controller } = start(table, "sleep 300");
    controller.abort(new Error("early"));
    await expect(collect()).rejects.toThrow("early");
    expect(table.size).toBe(0);
  });

  test("of everything", async () => {
    const table = new SessionTable();
    const started = Array.from({ length: 5 }, (_, index) => start(table, "sleep 300", { tty: index % 2 === 0 }));
    await table.terminateAll();
    expect(table.size).toBe(0);
    expect(started.map(({ observer }) => observer.endings)).toEqual(
      started.map(() => [{ output: "", exitCode: null }]),
    );
  });
});

test("the end of a turn reports what still runs, once, and the command goes on", async () => {
  const table = new SessionTable();
  const { collect, observer, session } = start(table, "echo x; read -r _; echo y", { tty: true });
  await eventually(() => observer.chunks > 0);
  table.finishTurn();
  table.finishTurn();
  expect(observer.endings).toEqual([{ output: "", exitCode: null }]);
  session.write("\n");
  const collected = await collect();
  expect(collected.exitCode).toBe(0);
  expect(observer.endings).toHaveLength(1);
});

describe("runToEnd", () => {
  test("gives the result of a command that ends in time", async () => {
    const table = new SessionTable();
    const { session, controller } = start(table, "echo x; exit 3");
    const ended = await table.runToEnd(session, { timeoutMs: 20_000, signal: controller.signal });
    expect([capturedText(ended.output), ended.exitCode, ended.timedOut]).toEqual(["x\n", 3, false]);
  });

  test("ends one that does not, with 124", async () => {
    const table = new SessionTable();
    const { session, controller, observer } = start(table, "echo partial; sleep 300");
    await eventually(() => observer.chunks > 0);
    const ended = await table.runToEnd(session, { timeoutMs: 1, signal: controller.signal });
    expect([capturedText(ended.output), ended.exitCode, ended.timedOut]).toEqual(["partial\n", 124, true]);
    expect(observer.endings).toEqual([{ output: "partial\n", exitCode: 124 }]);
    expect(table.size).toBe(0);
  });
});

describe("a full table", () => {
  test("holds 64 and ends the least recently used for one more", async () => {
    const table = new SessionTable();
    const started = Array.from({ length: 64 }, () => start(table, "sleep 300"));
    const [first, second] = started;
    expect(table.size).toBe(64);
    await first?.collect(1);
    start(table, "sleep 300");
    expect(table.size).toBe(64);
    expect(table.find(first?.session.id ?? 0)).toBeDefined();
    expect(table.find(second?.session.id ?? 0)).toBeUndefined();
    await eventually(() => second?.observer.endings.length === 1);
    await table.terminateAll();
  });

  test("gives up one that has ended before one that runs", async () => {
    const table = new SessionTable({ maxSessions: 12 });
    const started = Array.from({ length: 12 }, (_, index) => start(table, index === 2 ? "true" : "sleep 300"));
    await eventually(() => started[2]?.observer.endings.length === 1);
    start(table, "sleep 300");
    expect(table.find(started[2]?.session.id ?? 0)).toBeUndefined();
    expect(table.find(started[0]?.session.id ?? 0)).toBeDefined();
    await table.terminateAll();
  });

  test("never gives up the eight newest", async () => {
    const table = new SessionTable({ maxSessions: 10 });
    const started = Array.from({ length: 10 }, (_, index) => start(table, index > 1 ? "true" : "sleep 300"));
    await eventually(() => started.slice(2).every(({ observer }) => observer.endings.length === 1));
    start(table, "sleep 300");
    expect(table.find(started[0]?.session.id ?? 0)).toBeUndefined();
    for (const { session } of started.slice(2)) expect(table.find(session.id)).toBeDefined();
    await table.terminateAll();
  });
});

test("a command that cannot start throws, finishes its plan and is forgotten", () => {
  const table = new SessionTable();
  const plan = { ...scriptPlan("true"), cwd: "/nowhere" };
  expect(() => table.start({ plan, tty: false, observer: recorder() })).toThrow("ENOENT");
  expect(plan.calls).toEqual(["release", "finished"]);
  expect(table.size).toBe(0);
});
