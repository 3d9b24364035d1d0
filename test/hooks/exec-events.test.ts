import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { answer, assistantText, completed, created, sse, stallAfter, status } from "../support/model-script.ts";
import { type HookStage, hookStage, messages, printing, record, say, shell } from "./exec-stage.ts";

const GO = ["exec", "go"];

/** Has the hooks of these events write down what they are told. */
function recording(stage: HookStage, events: readonly string[]): void {
  const handler = { type: "command", command: record(stage.path("records")) };
  const hooks = Object.fromEntries(events.map((event) => [event, [{ hooks: [handler] }]]));
  stage.home.write(".codex/hooks.json", JSON.stringify({ hooks }));
}

function common(stage: HookStage) {
  return {
    session_id: expect.any(String),
    transcript_path: expect.stringContaining("rollout-"),
    cwd: stage.home.cwd,
    model: "gpt-5.2-codex",
  };
}

describe("model requests", () => {
  test("are told of in order, with what they used and how they failed", async () => {
    const usage = { input_tokens: 7, cached_input_tokens: 3, output_tokens: 2, total_tokens: 9 };
    const last = sse([created(), ...assistantText("ok"), completed(usage)]);
    await using stage = await hookStage({ responses: [status(500, "boom"), shell("true"), last] });
    recording(stage, ["PreModelRequest", "PostModelRequest"]);
    expect((await stage.run(GO)).code).toBe(0);
    const turn = { ...common(stage), turn_id: expect.any(String) };
    const pre = { ...turn, hook_event_name: "PreModelRequest" };
    const post = { ...turn, hook_event_name: "PostModelRequest" };
    const none = {
      input_tokens: 0,
      cached_input_tokens: 0,
      output_tokens: 0,
      reasoning_output_tokens: 0,
      total_tokens: 0,
    };
    expect(stage.recorded()).toEqual([
      pre,
      { ...post, status: "failed", error: expect.stringContaining("high demand"), token_usage: null },
      pre,
      { ...post, status: "completed", error: null, token_usage: none },
      pre,
      { ...post, status: "completed", error: null, token_usage: { ...none, ...usage } },
    ]);
  }, 60_000);

  test("do not wait for their hooks, and what hooks want changes nothing", async () => {
    await using stage = await hookStage({
      responses: [say("ok")],
      hooks: {
        PreModelRequest: [{ command: "sleep 600" }],
        PostModelRequest: [{ command: "exit 2" }, printing({ continue: false, stopReason: "no" })],
      },
    });
    const run = await stage.run(GO);
    expect([run.code, run.stdout]).toEqual([0, "ok\n"]);
  }, 60_000);
});

describe("an interruption", () => {
  test("is told of, and the request it ended", async () => {
    await using stage = await hookStage({ responses: [stallAfter(say("never"), 100)] });
    recording(stage, ["PostModelRequest", "Interrupt", "Stop"]);
    const started = stage.start(GO);
    while (stage.server.requests.length === 0) await Bun.sleep(10);
    await Bun.sleep(100);
    started.kill("SIGINT");
    expect((await started.done).code).toBe(130);
    const turn = { ...common(stage), turn_id: expect.any(String) };
    const byEvent = (a: Record<string, unknown>, b: Record<string, unknown>) =>
      String(a.hook_event_name) < String(b.hook_event_name) ? -1 : 1;
    expect(stage.recorded().sort(byEvent)).toEqual([
      { ...turn, hook_event_name: "Interrupt", permission_mode: "bypassPermissions" },
      { ...turn, hook_event_name: "PostModelRequest", status: "cancelled", error: null, token_usage: null },
    ]);
  }, 60_000);
});

describe("a review is a sub-agent", () => {
  const verdict = JSON.stringify({
    findings: [],
    overall_correctness: "patch is correct",
    overall_explanation: "looks fine",
    overall_confidence_score: 1,
  });
  const REVIEW = ["exec", "review", "look closely"];

  test("whose events carry its id and type", async () => {
    await using stage = await hookStage({ responses: [shell("true"), say(verdict)] });
    const events = [
      "SessionStart",
      "UserPromptSubmit",
      "SubagentStart",
      "PreToolUse",
      "SubagentStop",
      "Stop",
      "SessionEnd",
    ];
    recording(stage, events);
    expect((await stage.run(REVIEW)).code).toBe(0);
    const inputs = stage.recorded();
    expect(inputs.map((input) => [input.hook_event_name, input.agent_type])).toEqual([
      ["SubagentStart", "review"],
      ["UserPromptSubmit", "review"],
      ["PreToolUse", "review"],
      ["SubagentStop", "review"],
      ["SessionEnd", undefined],
    ]);
    const [start, , , stop, end] = inputs;
    const agent = { agent_id: expect.any(String), agent_type: "review" };
    const turn = { ...common(stage), turn_id: expect.any(String), permission_mode: "bypassPermissions" };
    expect(start).toEqual({ ...turn, ...agent, hook_event_name: "SubagentStart" });
    expect(stop).toEqual({
      ...turn,
      ...agent,
      hook_event_name: "SubagentStop",
      agent_transcript_path: expect.stringContaining(String(start?.agent_id)),
      stop_hook_active: false,
      last_assistant_message: verdict,
    });
    expect(start?.agent_id).not.toBe(start?.session_id);
    expect([start?.session_id, start?.transcript_path]).toEqual([end?.session_id, end?.transcript_path]);
  }, 60_000);

  test("that gets context at its start and goes on when SubagentStop says so", async () => {
    const again = JSON.stringify({ ...JSON.parse(verdict), overall_explanation: "looked again" });
    await using stage = await hookStage({
      responses: [say(verdict), say(again)],
      hooks: {
        SubagentStart: [
          { matcher: "review", command: "echo mind the tests" },
          { matcher: "explorer", command: "echo no" },
        ],
        SubagentStop: [{ command: `grep -q '"stop_hook_active":true' || { echo look again > /dev/stderr; exit 2; }` }],
      },
    });
    const run = await stage.run(REVIEW);
    expect([run.code, run.stdout]).toEqual([0, expect.stringContaining("looked again")]);
    const texts = messages(stage.server.requests[0]);
    expect(texts).toContainEqual(["developer", "mind the tests"]);
    expect(texts).not.toContainEqual(["developer", "no"]);
    expect(messages(stage.server.requests[1]).at(-1)).toEqual(["user", "look again"]);
  }, 60_000);

  test("that does not begin when SubagentStart says continue: false", async () => {
    await using stage = await hookStage({
      responses: [],
      hooks: { SubagentStart: [printing({ continue: false, stopReason: "no reviews here" })] },
    });
    const run = await stage.run(REVIEW);
    expect([run.code, stage.server.requests.length]).toEqual([1, 0]);
    expect(run.stderr).toContain("no reviews here");
  }, 60_000);
});

describe("continue: false", () => {
  test.each(["SessionStart", "UserPromptSubmit"])(
    "of %s ends the turn before it begins, with its reason",
    async (event) => {
      await using stage = await hookStage({
        responses: [],
        hooks: { [event]: [printing({ continue: false, stopReason: "not today" })] },
      });
      const run = await stage.run(GO);
      expect([run.code, stage.server.requests.length]).toEqual([1, 0]);
      expect(run.stderr).toContain("not today");
    },
    60_000,
  );

  test("of Stop ends the turn although another hook wants more", async () => {
    await using stage = await hookStage({
      responses: [say("done")],
      hooks: { Stop: [{ command: "echo more >&2; exit 2" }, printing({ continue: false })] },
    });
    expect((await stage.run(GO)).stdout).toBe("done\n");
  }, 60_000);

  test("of PreToolUse runs nothing, of PostToolUse takes the output's place", async () => {
    await using stage = await hookStage({
      responses: [shell("touch made"), say("ok")],
      hooks: { PreToolUse: [printing({ continue: false, stopReason: "no tools" })] },
    });
    await stage.run(GO);
    expect(stage.has("made")).toBe(false);
    expect(JSON.stringify(stage.server.requests[1]?.body.input)).toContain("no tools");
    await using after = await hookStage({
      responses: [shell("echo SECRET"), say("ok")],
      hooks: { PostToolUse: [printing({ continue: false, stopReason: "withheld" })] },
    });
    await after.run(GO);
    const sent = JSON.stringify(
      after.server.requests[1]?.body.input.filter(({ type }) => type === "function_call_output"),
    );
    expect(sent).toContain("withheld");
    expect(sent).not.toContain("SECRET");
  }, 60_000);
});

test("the log has the beginning of what a hook printed, unless the hook wants none of it there", async () => {
  await using stage = await hookStage({
    responses: [answer(assistantText("ok"))],
    hooks: {
      SessionStart: [{ command: `printf 'seen %02000d' 0` }],
      Stop: [printing({ suppressOutput: true, systemMessage: "unseen" })],
    },
  });
  const { stderr } = await stage.run(GO, { env: { RUST_LOG: "hooks=debug" } });
  const logged = stderr
    .split("\n")
    .flatMap((line) => /hooks: hook key=.*(?= output=) output=(.*)$/.exec(line)?.[1] ?? []);
  expect(logged).toEqual([`"seen ${"0".repeat(995)}"`, '""']);
}, 60_000);

test("a failing hook of an event that nothing can stop is only shown", async () => {
  await using stage = await hookStage({
    responses: [answer(assistantText("ok"))],
    hooks: { SessionStart: [{ command: "echo not ready >&2; exit 2" }] },
  });
  const run = await stage.run(GO);
  expect([run.code, run.stdout]).toEqual([0, "ok\n"]);
  expect(run.stderr).toContain("ended with exit code 2: not ready");
}, 60_000);

test("a SessionStart hook that is to block keeps every prompt out until it has done its work", async () => {
  await using stage = await hookStage({ responses: [say("ok")] });
  const ready = stage.path("ready");
  const handler = { type: "command", command: `test -e ${ready}`, on_error: "block" };
  stage.home.write(".codex/hooks.json", JSON.stringify({ hooks: { SessionStart: [{ hooks: [handler] }] } }));
  expect((await stage.run(GO)).code).toBe(1);
  expect(stage.server.requests).toHaveLength(0);
  stage.home.write("ready", "");
  expect(existsSync(ready)).toBe(true);
  expect((await stage.run(GO)).code).toBe(0);
}, 60_000);
