import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { answer, assistantText, customToolCall, functionCall } from "../support/model-script.ts";
import { startSession, type TestSession } from "../support/session.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";
import { type Handler, hooksJson, printing, record } from "./exec-stage.ts";

const decision = (value: Record<string, unknown>): Handler =>
  printing({ hookSpecificOutput: { hookEventName: "PermissionRequest", decision: value } });

/** A session with a person who approves everything; the model wants to leave the sandbox and write a file. */
async function asking(home: TempHome, handlers: readonly Handler[]): Promise<TestSession> {
  home.write("home/hooks.json", hooksJson({ PermissionRequest: handlers }));
  const escalated = {
    cmd: "touch made",
    login: false,
    sandbox_permissions: "require_escalated",
    justification: "I must",
  };
  const responses = [answer(functionCall("exec_command", escalated)), answer(assistantText("ok"))];
  const session = await startSession({
    home,
    canAsk: true,
    config: { approval_policy: "on-request", sandbox_mode: "read-only" },
    responses,
  });
  void session
    .until((event) => {
      if (event.type === "approval_requested") {
        session.submit({ type: "approval_answer", requestId: event.requestId, decision: { type: "approved" } });
      }
      return event.type === "turn_completed";
    })
    .catch(() => {});
  return session;
}

const wasAsked = (session: TestSession) => session.events.some(({ type }) => type === "approval_requested");

describe("a PermissionRequest hook", () => {
  test.each([
    ["says nothing: the person is asked", { command: "true" }, true, true],
    ["allows: nobody is asked", decision({ behavior: "allow" }), false, true],
    ["refuses: nobody is asked", decision({ behavior: "deny", message: "no" }), false, false],
    ["blocks by its exit code", { command: "echo no >&2; exit 2" }, false, false],
    ["fails", { command: "exit 1" }, false, false],
    ["fails and is to be ignored", { command: "exit 1", on_error: "ignore" }, true, true],
    ["is for another tool", { matcher: "apply_patch", ...decision({ behavior: "deny" }) }, true, true],
  ] as const)(
    "that %s",
    async (_what, handler, asked, runs) => {
      await using home = await tempHome();
      await using session = await asking(home, [handler]);
      await session.say("go");
      expect([wasAsked(session), existsSync(join(home.cwd, "made"))]).toEqual([asked, runs]);
    },
    30_000,
  );

  test("that interrupts ends the turn", async () => {
    await using home = await tempHome();
    await using session = await asking(home, [decision({ behavior: "deny", interrupt: true })]);
    await session.say("go");
    expect(session.events.at(-1)).toMatchObject({ type: "turn_aborted" });
    expect(wasAsked(session)).toBe(false);
  }, 30_000);

  test("is told the reason the person would be given", async () => {
    await using home = await tempHome();
    const file = join(home.root, "inputs");
    await using session = await asking(home, [{ command: record(file) }]);
    await session.say("go");
    const input = JSON.parse(await Bun.file(file).text()) as Record<string, unknown>;
    expect(input).toMatchObject({
      hook_event_name: "PermissionRequest",
      permission_mode: "default",
      tool_name: "Bash",
      tool_input: { command: "touch made", sandbox_permissions: "require_escalated", description: "I must" },
    });
    expect(input).not.toHaveProperty("tool_use_id");
  }, 30_000);

  test("is asked about patches with the patch", async () => {
    await using home = await tempHome();
    const file = join(home.root, "inputs");
    home.write("home/hooks.json", hooksJson({ PermissionRequest: [{ command: `${record(file)}; exit 2` }] }));
    const patch = "*** Begin Patch\n*** Add File: made.txt\n+x\n*** End Patch\n";
    await using session = await startSession({
      home,
      canAsk: true,
      config: { approval_policy: "untrusted", sandbox_mode: "workspace-write" },
      responses: [answer(customToolCall("apply_patch", patch)), answer(assistantText("ok"))],
    });
    await session.say("go");
    expect(JSON.parse(await Bun.file(file).text())).toMatchObject({
      tool_name: "apply_patch",
      tool_input: { command: patch },
    });
    expect([wasAsked(session), existsSync(join(home.cwd, "made.txt"))]).toEqual([false, false]);
  }, 30_000);
});

describe("a PreToolUse hook that asks", () => {
  test("has the person asked although the command would run, with its reason", async () => {
    await using home = await tempHome();
    const output = { hookSpecificOutput: { permissionDecision: "ask", permissionDecisionReason: "look at this" } };
    home.write("home/hooks.json", hooksJson({ PreToolUse: [printing(output)] }));
    await using session = await startSession({
      home,
      canAsk: true,
      config: { approval_policy: "on-request", sandbox_mode: "danger-full-access" },
      responses: [
        answer(functionCall("exec_command", { cmd: "touch made", login: false })),
        answer(assistantText("ok")),
      ],
    });
    const turn = session.say("go");
    const asked = await session.until((event) => event.type === "approval_requested");
    if (asked.type !== "approval_requested") throw new Error("unreachable");
    expect(asked.request).toMatchObject({ type: "command", reason: "look at this" });
    expect(existsSync(join(home.cwd, "made"))).toBe(false);
    session.submit({ type: "approval_answer", requestId: asked.requestId, decision: { type: "denied" } });
    await turn;
    expect(existsSync(join(home.cwd, "made"))).toBe(false);
  }, 30_000);
});
