import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { isAlive } from "../support/processes.ts";
import { hookStage, printing, say, shell, toolOutput } from "./exec-stage.ts";

async function until(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error("waited for twenty seconds");
    await Bun.sleep(10);
  }
}

const JSON_RUN = ["exec", "--json", "go"];

describe("a guard that does not do its work blocks", () => {
  test.each([
    ["hangs", { command: "sleep 600", timeout: 0.3 }, "ran longer than 0.3 s"],
    ["crashes", { command: "kill -SEGV $$" }, "was ended by SIGSEGV"],
    ["is killed", { command: "kill -KILL $$" }, "was ended by SIGKILL"],
    ["is not there", { command: "/nonexistent/guard" }, "ended with exit code 127"],
    ["prints broken JSON", { command: "echo '{nonsense'" }, "answered with what is not JSON"],
    ["prints JSON of another shape", { command: `echo '{"decision":7}'` }, "answered with `decision`"],
    ["prints a log line first", { command: `echo checking; echo '{"decision":"block"}'` }, "not one JSON object"],
    ["answers in a list", printing({ hookSpecificOutput: [{ permissionDecision: "deny" }] }), "`hookSpecificOutput`"],
    ["answers above the level", printing({ permissionDecision: "deny" }), "`permissionDecision`, which is no answer"],
    ["prints 50 MB", { command: "head -c 50000000 /dev/zero | tr '\\0' x" }, "not one JSON object"],
    ["prints 50 MB that begin as JSON", { command: "printf '{'; head -c 50000000 /dev/zero" }, "what is not JSON"],
  ])(
    "when it %s",
    async (_what, handler, reason) => {
      await using stage = await hookStage({
        responses: [shell("touch made"), say("ok")],
        hooks: { PreToolUse: [handler] },
      });
      const run = await stage.run(JSON_RUN);
      expect(run.code).toBe(0);
      expect(toolOutput(stage.server.requests[1])).toContain(reason);
      expect(stage.has("made")).toBe(false);
      const warnings = run.events.flatMap(({ item }) => (item as { type: string; message?: string })?.message ?? []);
      expect(warnings).toEqual([expect.stringContaining(reason)]);
    },
    60_000,
  );

  test("and does not, when on_error is ignore", async () => {
    await using stage = await hookStage({
      responses: [shell("touch made"), say("ok")],
      hooks: { PreToolUse: [{ command: "kill -SEGV $$", on_error: "ignore" }] },
    });
    await stage.run(JSON_RUN);
    expect(stage.has("made")).toBe(true);
  }, 60_000);
});

describe("a hook cannot disturb the turn", () => {
  test.each([
    // A guard must not print text.
    ["printing 50 MB", "head -c 50000000 /dev/zero | tr '\\0' x", []],
    ["printing what is no JSON", "echo hello; echo '{not json'", []],
    ["printing 50 MB on standard error", "head -c 50000000 /dev/zero >&2", ["PreToolUse"]],
    ["closing its streams", "exec <&- >&- 2>&-; sleep 0.1", ["PreToolUse"]],
    ["not reading its input", "exit 0", ["PreToolUse"]],
  ] as const)(
    "by %s",
    async (_what, command, guards) => {
      await using stage = await hookStage({
        responses: [shell("touch made"), say("ok")],
        hooks: Object.fromEntries([...guards, "PostToolUse", "Stop"].map((event) => [event, [{ command }]])),
      });
      const run = await stage.run(["exec", "go"]);
      expect([run.code, run.stdout, stage.has("made")]).toEqual([0, "ok\n", true]);
      expect(run.stderr).not.toContain("failed");
    },
    60_000,
  );

  test("by writing to the standard output: that of hooks is not ours", async () => {
    await using stage = await hookStage({
      responses: [shell("true"), say("ok")],
      hooks: Object.fromEntries(
        ["SessionStart", "UserPromptSubmit", "PostToolUse", "Stop", "SessionEnd"].map((event) => [
          event,
          [{ command: `echo FROM_A_HOOK; echo '{"type":"turn.failed"}' > /dev/stdout` }],
        ]),
      ),
    });
    const run = await stage.run(JSON_RUN);
    expect(run.stdout).not.toContain("FROM_A_HOOK");
    expect(run.events.map(({ type }) => type)).toEqual([
      "thread.started",
      "turn.started",
      "item.started",
      "item.completed",
      "item.completed",
      "turn.completed",
    ]);
  }, 60_000);

  test("by forking a daemon that holds its streams: it is not waited for, and lives on in a session of its own", async () => {
    await using stage = await hookStage({ responses: [shell("touch made"), say("ok")] });
    const pid = stage.path("pid");
    const daemon = `setsid sh -c 'echo $$ > ${pid}; exec sleep 600' & while [ ! -s ${pid} ]; do sleep 0.02; done`;
    stage.home.write(
      ".codex/hooks.json",
      JSON.stringify({ hooks: { PreToolUse: [{ hooks: [{ type: "command", command: daemon }] }] } }),
    );
    const run = await stage.run(["exec", "go"]);
    const daemonId = Number(readFileSync(pid, "utf8"));
    expect([run.code, run.stdout, stage.has("made"), isAlive(daemonId)]).toEqual([0, "ok\n", true, true]);
    process.kill(daemonId, "SIGKILL");
  }, 60_000);

  test("by leaving processes behind in its own session, in any process group: they are killed", async () => {
    await using stage = await hookStage({ responses: [shell("touch made"), say("ok")] });
    const [pid, group] = [stage.path("pid"), stage.path("group")];
    // Of the shells only bash has job control, and so process groups, without a terminal.
    const leave = `set -m; sleep 600 > /dev/null 2>&1 & echo $! > ${pid}; cut -d " " -f 5 /proc/$!/stat > ${group}`;
    const handler = { type: "command", command: `bash -c '${leave}'` };
    stage.home.write(".codex/hooks.json", JSON.stringify({ hooks: { PreToolUse: [{ hooks: [handler] }] } }));
    expect((await stage.run(["exec", "go"])).stdout).toBe("ok\n");
    const id = Number(readFileSync(pid, "utf8"));
    expect(Number(readFileSync(group, "utf8"))).toBe(id);
    await until(() => !isAlive(id));
  }, 60_000);

  test("by escape sequences in what people are shown, also after the turn", async () => {
    const command = `printf '\\033[31mred\\033]0;title\\007' >&2; exit 1`;
    const events = ["SessionStart", "Stop", "SessionEnd"];
    await using stage = await hookStage({
      responses: () => say("ok"),
      hooks: Object.fromEntries(events.map((event) => [event, [{ command }]])),
    });
    for (const args of [["exec", "go"], JSON_RUN]) {
      const { stderr, stdout } = await stage.run(args);
      expect(events.filter((event) => !new RegExp(`The ${event} hook .* 1: red`).test(stderr + stdout))).toEqual([]);
      expect(stderr).not.toContain("\u001b");
    }
  }, 60_000);

  test("by outliving a Codex that was killed", async () => {
    await using stage = await hookStage({ responses: [say("ok")] });
    const pid = stage.path("pid");
    const handler = { type: "command", command: `trap '' TERM; sh -c 'echo $$ > ${pid}; exec sleep 600'` };
    stage.home.write(".codex/hooks.json", JSON.stringify({ hooks: { SessionStart: [{ hooks: [handler] }] } }));
    const run = stage.start(["exec", "go"]);
    await until(() => existsSync(pid) && readFileSync(pid, "utf8").endsWith("\n"));
    const id = Number(readFileSync(pid, "utf8"));
    expect(isAlive(id)).toBe(true);
    run.kill("SIGKILL");
    await run.done;
    await until(() => !isAlive(id));
  }, 60_000);

  test("by hanging at the end: the answer's file is there before", async () => {
    await using stage = await hookStage({ responses: [say("ok")] });
    const [begun, file] = [stage.path("begun"), stage.path("answer")];
    const handler = { type: "command", command: `touch ${begun}; sleep 600`, timeout: 3 };
    stage.home.write(".codex/hooks.json", JSON.stringify({ hooks: { SessionEnd: [{ hooks: [handler] }] } }));
    const run = stage.start(["exec", "-o", file, "go"]);
    await until(() => existsSync(begun));
    run.kill("SIGTERM");
    await run.done;
    expect(readFileSync(file, "utf8")).toBe("ok");
  }, 60_000);

  test("by hanging at the end: SessionEnd has a second, and three at most", async () => {
    await using stage = await hookStage({
      responses: [say("ok")],
      hooks: { SessionEnd: [{ command: "sleep 600" }, { command: "sleep 600", timeout: 600 }] },
    });
    const run = await stage.run(["exec", "go"]);
    expect([run.code, run.stdout]).toEqual([0, "ok\n"]);
    expect(run.stderr).toContain("ran longer than 1 s");
    expect(run.stderr).toContain("ran longer than 3 s");
  }, 60_000);
});

test("async hooks: nobody waits, eight processes at a time, none is left", async () => {
  const handlers = Array.from({ length: 20 }, () => ({ command: "", async: true }));
  await using stage = await hookStage({ responses: [shell("sleep 1"), say("ok")] });
  const running = stage.path("running");
  // Each notes how many of its kind there are with it, as a hook's own processes see it.
  const command = `mkdir -p ${running}; touch ${running}/$$; ls ${running} | wc -l >> ${stage.path("counts")}; sleep 0.1; rm ${running}/$$; exit 2`;
  const hang = { type: "command", command: `echo $$ > ${stage.path("hanging")}; exec sleep 600`, async: true };
  stage.home.write(
    ".codex/hooks.json",
    JSON.stringify({
      hooks: {
        UserPromptSubmit: [{ hooks: handlers.map((handler) => ({ type: "command", ...handler, command })) }],
        PostToolUse: [{ hooks: [hang] }],
      },
    }),
  );
  const run = await stage.run(["exec", "go"]);
  expect([run.code, run.stdout]).toEqual([0, "ok\n"]);
  const counts = readFileSync(stage.path("counts"), "utf8").trim().split(/\s+/).map(Number);
  expect(counts).toHaveLength(20);
  expect(Math.max(...counts)).toBeLessThanOrEqual(8);
  expect(Math.max(...counts)).toBeGreaterThan(1);
  if (existsSync(stage.path("hanging"))) {
    await until(() => !isAlive(Number(readFileSync(stage.path("hanging"), "utf8"))));
  }
}, 60_000);
