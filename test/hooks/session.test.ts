import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { answer, assistantText, functionCall } from "../support/model-script.ts";
import type { CapturedRequest } from "../support/model-server.ts";
import { startSession, type TestSession, type TestSessionOptions } from "../support/session.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

type Handler = Record<string, unknown> & { command: string };

function hooksJson(events: Record<string, Handler | { matcher: string; handler: Handler }>): string {
  const groups = Object.entries(events).map(([event, value]) => {
    const { matcher, handler } =
      "handler" in value ? (value as { matcher: string; handler: Handler }) : { matcher: undefined, handler: value };
    return [event, [{ matcher, hooks: [{ type: "command", ...handler }] }]];
  });
  return JSON.stringify({ hooks: Object.fromEntries(groups) });
}

function start(home: TempHome, responses: TestSessionOptions["responses"], more: Partial<TestSessionOptions> = {}) {
  return startSession({ home, responses, ...more });
}

const say = (text: string) => answer(assistantText(text));
const shell = (command: string) => answer(functionCall("exec_command", { cmd: command, login: false }, "call_1"));

function printing(output: unknown): string {
  return `printf '%s' '${JSON.stringify(output)}'`;
}

function texts(request: CapturedRequest | undefined): [string, string][] {
  return (request?.body.input ?? []).flatMap((item) => {
    const content = item.content as { text?: string }[] | undefined;
    return item.type === "message" ? [[String(item.role), content?.[0]?.text ?? ""] as [string, string]] : [];
  });
}

function toolOutput(request: CapturedRequest | undefined): unknown {
  return request?.body.input.find((item) => item.type === "function_call_output")?.output;
}

function warnings(session: TestSession): string[] {
  return session.events.flatMap((event) => (event.type === "warning" ? [event.message] : []));
}

/** The inputs a hook `cat >> FILE; echo >> FILE` was given. */
function inputs(file: string): Record<string, unknown>[] {
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe("a prompt", () => {
  test("is blocked with the reason, and the next one goes through without it", async () => {
    await using home = await tempHome();
    home.write(
      "home/hooks.json",
      hooksJson({ UserPromptSubmit: { command: "grep -q secret && { echo no secrets >&2; exit 2; }; exit 0" } }),
    );
    await using session = await start(home, [say("fine")]);
    await session.say("the secret is 42");
    expect(session.server.requests).toHaveLength(0);
    expect(session.events.at(-1)).toMatchObject({
      type: "turn_failed",
      message: "A hook blocked the prompt: no secrets",
    });
    await session.say("hello");
    expect(session.events.at(-1)).toMatchObject({ type: "turn_completed", lastAgentMessage: "fine" });
    expect(texts(session.server.requests[0]).map(([, text]) => text)).not.toContain("the secret is 42");
  }, 30_000);

  test("brings the context of SessionStart once and of UserPromptSubmit each time", async () => {
    await using home = await tempHome();
    const context = { hookSpecificOutput: { hookEventName: "UserPromptSubmit", additionalContext: "it is raining" } };
    home.write(
      "home/hooks.json",
      hooksJson({ SessionStart: { command: "echo plain text" }, UserPromptSubmit: { command: printing(context) } }),
    );
    await using session = await start(home, [say("one"), say("two")]);
    await session.say("first");
    await session.say("second");
    const rest = texts(session.server.requests[1]).slice(-6);
    expect(rest).toEqual([
      ["user", "first"],
      ["developer", "plain text"],
      ["developer", "it is raining"],
      ["assistant", "one"],
      ["user", "second"],
      ["developer", "it is raining"],
    ]);
  }, 30_000);
});

describe("a tool call", () => {
  test("is denied with the reason and does not run", async () => {
    await using home = await tempHome();
    const deny = {
      hookSpecificOutput: {
        hookEventName: "PreToolUse",
        permissionDecision: "deny",
        permissionDecisionReason: "not here",
      },
    };
    home.write("home/hooks.json", hooksJson({ PreToolUse: { matcher: "Bash", handler: { command: printing(deny) } } }));
    await using session = await start(home, [shell("touch made"), say("ok")]);
    await session.say("go");
    expect(toolOutput(session.server.requests[1])).toBe("The call was not run: a hook blocked it: not here");
    expect(existsSync(join(home.cwd, "made"))).toBe(false);
    expect(session.events.at(-1)).toMatchObject({ type: "turn_completed", lastAgentMessage: "ok" });
  }, 30_000);

  test.each([
    [{ hookSpecificOutput: { permissionDecision: "ask" } }],
    [{ decision: "block", reason: "why" }],
    [{ continue: false, stopReason: "why" }],
  ])(
    "does not run when a hook answers %j",
    async (output) => {
      await using home = await tempHome();
      home.write("home/hooks.json", hooksJson({ PreToolUse: { command: printing(output) } }));
      await using session = await start(home, [shell("touch made"), say("ok")]);
      await session.say("go");
      expect(existsSync(join(home.cwd, "made"))).toBe(false);
    },
    30_000,
  );

  test("that another matcher is for runs untouched", async () => {
    await using home = await tempHome();
    home.write(
      "home/hooks.json",
      hooksJson({ PreToolUse: { matcher: "apply_patch", handler: { command: "exit 2" } } }),
    );
    await using session = await start(home, [shell("touch made"), say("ok")]);
    await session.say("go");
    expect(existsSync(join(home.cwd, "made"))).toBe(true);
  }, 30_000);

  test("has its output replaced by a PostToolUse hook's reason, with context after it", async () => {
    await using home = await tempHome();
    const output = {
      decision: "block",
      reason: "run the formatter",
      hookSpecificOutput: { additionalContext: "note" },
    };
    home.write("home/hooks.json", hooksJson({ PostToolUse: { command: printing(output) } }));
    await using session = await start(home, [shell("touch made"), say("ok")]);
    await session.say("go");
    expect(existsSync(join(home.cwd, "made"))).toBe(true);
    expect(toolOutput(session.server.requests[1])).toBe(
      "The call was run, and a hook answers for it: run the formatter",
    );
    expect(texts(session.server.requests[1]).at(-1)).toEqual(["developer", "note"]);
  }, 30_000);
});

describe("a hook that fails", () => {
  const broken: [string, string, string][] = [
    ["hangs", "sleep 600", "ran longer than 0.2 s"],
    ["crashes", "kill -SEGV $$", "was ended by SIGSEGV"],
    ["ends with 1", "echo oops >&2; exit 1", "ended with exit code 1: oops"],
    ["answers with broken JSON", "echo '{nonsense'", "answered with what is not JSON"],
    ["answers with the wrong JSON", `echo '{"continue":"yes"}'`, "answered with `continue`"],
  ];
  test.each(broken)(
    "because it %s is shown and blocks, unless on_error says otherwise",
    async (_what, command, reason) => {
      await using home = await tempHome();
      const timeout = command.startsWith("sleep") ? 0.2 : 60;
      home.write("home/hooks.json", hooksJson({ PreToolUse: { command, timeout, on_error: "ignore" } }));
      await using session = await start(home, [shell("touch made"), say("ok")]);
      await session.say("go");
      expect(existsSync(join(home.cwd, "made"))).toBe(true);
      expect(warnings(session)).toEqual([expect.stringContaining(reason)]);
      home.write("home/hooks.json", hooksJson({ PreToolUse: { command, timeout } }));
      await using strict = await start(home, [shell("touch strict"), say("ok")]);
      await strict.say("go");
      expect(existsSync(join(home.cwd, "strict"))).toBe(false);
      expect(toolOutput(strict.server.requests[1])).toContain(reason);
    },
    30_000,
  );

  test("by forking a daemon that keeps its output open holds nothing up", async () => {
    await using home = await tempHome();
    const pid = join(home.root, "pid");
    const command = `setsid sh -c 'echo $$ > ${pid}; exec sleep 600' & while [ ! -s ${pid} ]; do sleep 0.02; done`;
    home.write("home/hooks.json", hooksJson({ PreToolUse: { command } }));
    await using session = await start(home, [shell("touch made"), say("ok")]);
    await session.say("go");
    process.kill(Number(readFileSync(pid, "utf8")), "SIGKILL");
    expect(existsSync(join(home.cwd, "made"))).toBe(true);
    expect(warnings(session)).toEqual([]);
  }, 30_000);

  test("to answer is ended when the turn is interrupted", async () => {
    await using home = await tempHome();
    const begun = join(home.root, "begun");
    home.write("home/hooks.json", hooksJson({ UserPromptSubmit: { command: `touch ${begun}; sleep 600` } }));
    await using session = await start(home, []);
    const turn = session.say("go");
    while (!existsSync(begun)) await Bun.sleep(10);
    session.submit({ type: "interrupt" });
    await turn;
    expect(session.events.at(-1)).toMatchObject({ type: "turn_aborted" });
  }, 30_000);
});

describe("the end of a turn", () => {
  test("is put off with the reason; then stop_hook_active is true", async () => {
    await using home = await tempHome();
    const file = join(home.root, "inputs");
    const command = `tee -a ${file} | grep -q '"stop_hook_active":true' || { echo >> ${file}; echo run the tests >&2; exit 2; }`;
    home.write("home/hooks.json", hooksJson({ Stop: { command } }));
    await using session = await start(home, [say("done"), say("tests pass")]);
    await session.say("go");
    expect(texts(session.server.requests[1]).slice(-2)).toEqual([
      ["assistant", "done"],
      ["user", "run the tests"],
    ]);
    expect(session.events.at(-1)).toMatchObject({ type: "turn_completed", lastAgentMessage: "tests pass" });
    expect(inputs(file).map((input) => [input.stop_hook_active, input.last_assistant_message])).toEqual([
      [false, "done"],
      [true, "tests pass"],
    ]);
  }, 30_000);

  test("comes although a hook always blocks, after 20 more rounds and with a warning", async () => {
    await using home = await tempHome();
    home.write("home/hooks.json", hooksJson({ Stop: { command: "echo more >&2; exit 2" } }));
    await using session = await start(home, () => say("done"));
    await session.say("go");
    expect(session.server.requests).toHaveLength(21);
    expect(warnings(session)).toEqual([expect.stringContaining("kept the turn going 20 times")]);
  }, 60_000);
});

describe("what hooks are told", () => {
  test("are the keys of the released CLI, in every event, without our credentials", async () => {
    await using home = await tempHome();
    const file = join(home.root, "inputs");
    const handler = { command: `{ cat; echo; } >> ${file}; env > ${join(home.root, "env")}` };
    const events = [
      "SessionStart",
      "UserPromptSubmit",
      "PreToolUse",
      "PostToolUse",
      "PreCompact",
      "PostCompact",
      "Stop",
      "SessionEnd",
    ];
    home.write("home/hooks.json", hooksJson(Object.fromEntries(events.map((event) => [event, handler]))));
    process.env.CODEX_API_KEY = "a-key-of-ours";
    try {
      await using session = await start(home, [shell("echo hi"), say("ok"), say("summary")]);
      await session.say("go");
      session.submit({ type: "compact" });
      await session.until((event) => event.type === "context_compacted");
      await session.until((event) => event.type === "turn_completed" && event.lastAgentMessage === null);
      await session[Symbol.asyncDispose]();
      const rollout = session.events.find((event) => event.type === "thread_started");
      const transcript = rollout?.type === "thread_started" ? rollout.rolloutPath : null;
      const common = {
        session_id: session.threadId,
        transcript_path: transcript,
        cwd: home.cwd,
        model: "gpt-5.2-codex",
      };
      const { model: _, ...withoutModel } = common;
      const mode = { permission_mode: "bypassPermissions" };
      const turn = { ...common, turn_id: expect.any(String) };
      const tool = {
        ...turn,
        ...mode,
        tool_name: "Bash",
        tool_input: { command: "echo hi", login: false },
        tool_use_id: "call_1",
      };
      expect(inputs(file)).toEqual([
        { ...common, ...mode, hook_event_name: "SessionStart", source: "startup" },
        { ...turn, ...mode, hook_event_name: "UserPromptSubmit", prompt: "go" },
        { ...tool, hook_event_name: "PreToolUse" },
        { ...tool, hook_event_name: "PostToolUse", tool_response: expect.stringContaining("hi") },
        { ...turn, ...mode, hook_event_name: "Stop", stop_hook_active: false, last_assistant_message: "ok" },
        { ...turn, hook_event_name: "PreCompact", trigger: "manual" },
        { ...turn, hook_event_name: "PostCompact", trigger: "manual" },
        { ...common, ...mode, hook_event_name: "SessionStart", source: "compact" },
        { ...withoutModel, hook_event_name: "SessionEnd", reason: "other" },
      ]);
      expect(readFileSync(join(home.root, "env"), "utf8")).not.toContain("a-key-of-ours");
    } finally {
      delete process.env.CODEX_API_KEY;
    }
  }, 30_000);

  test("a PreCompact hook that says continue: false ends the turn, and nothing is compacted", async () => {
    await using home = await tempHome();
    home.write(
      "home/hooks.json",
      hooksJson({ PreCompact: { command: printing({ continue: false, stopReason: "keep it all" }) } }),
    );
    await using session = await start(home, [say("ok")]);
    await session.say("go");
    session.submit({ type: "compact" });
    const failed = await session.until((event) => event.type === "turn_failed");
    expect(failed).toMatchObject({ message: "A hook ended the turn at its compaction: keep it all" });
    expect(session.server.requests).toHaveLength(1);
  }, 30_000);
});

test("async hooks are not waited for, run 8 at a time at most and are ended with the session", async () => {
  await using home = await tempHome();
  const begun = join(home.root, "begun");
  const handlers = Array.from({ length: 12 }, () => ({
    type: "command",
    command: `echo $$ >> ${begun}; exec sleep 600`,
    async: true,
  }));
  home.write("home/hooks.json", JSON.stringify({ hooks: { UserPromptSubmit: [{ hooks: handlers }] } }));
  const pids = () => (existsSync(begun) ? readFileSync(begun, "utf8").trimEnd().split("\n") : []);
  {
    await using session = await start(home, [say("ok")]);
    await session.say("go");
    expect(session.events.at(-1)).toMatchObject({ type: "turn_completed" });
    while (pids().length < 8) await Bun.sleep(10);
    // Time for a ninth to appear, were there one.
    await Bun.sleep(200);
    expect(pids()).toHaveLength(8);
  }
  for (const pid of pids()) expect(existsSync(`/proc/${pid}`) && !isZombie(pid)).toBe(false);
}, 30_000);

function isZombie(pid: string): boolean {
  return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}

test("a project's hooks do not run without trust, and without approval only with a warning", async () => {
  await using home = await tempHome({ git: true });
  const mark = join(home.root, "evil");
  home.write("project/.codex/hooks.json", hooksJson({ SessionStart: { command: `touch ${mark}` } }));
  {
    await using session = await start(home, [say("ok")]);
    await session.say("go");
    expect(warnings(session)).toEqual([]);
  }
  expect(existsSync(mark)).toBe(false);
  home.write("home/config.toml", `[projects."${home.cwd}"]\ntrust_level = "trusted"\n`);
  {
    await using session = await start(home, [say("ok")]);
    await session.say("go");
    expect(warnings(session)).toEqual([expect.stringContaining("you have not approved it")]);
  }
  expect(existsSync(mark)).toBe(false);
}, 30_000);
