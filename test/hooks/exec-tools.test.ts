import { describe, expect, test } from "bun:test";
import { chownSync, existsSync, readdirSync, readFileSync, statSync, symlinkSync, utimesSync } from "node:fs";
import { dirname } from "node:path";
import { answer, assistantText, customToolCall, functionCall, localShellCall } from "../support/model-script.ts";
import { tempHome } from "../support/temp-home.ts";
import { type Handler, hookStage, messages, printing, record, say, shell, toolOutput } from "./exec-stage.ts";

const GO = ["exec", "go"];
const before = (output: Record<string, unknown>): Handler =>
  printing({ hookSpecificOutput: { hookEventName: "PreToolUse", ...output } });
const instead = (updatedInput: unknown) => before({ permissionDecision: "allow", updatedInput });

describe("updatedInput", () => {
  test.each([
    ["exec_command", shell("touch old", { workdir: "sub" }), "sub/new"],
    ["shell", answer(functionCall("shell", { command: ["bash", "-lc", "touch old"], workdir: "sub" })), "sub/new"],
    ["shell of words", answer(functionCall("shell", { command: ["touch", "old"], workdir: "sub" })), "sub/new"],
    ["shell_command", answer(functionCall("shell_command", { command: "touch old", workdir: "sub" })), "sub/new"],
    ["local_shell", answer(localShellCall(["touch", "old"], "call_1", { working_directory: null })), "new"],
  ])(
    "runs another command than the model's %s, in its folder",
    async (_tool, call, made) => {
      await using stage = await hookStage({
        responses: [call, say("ok")],
        hooks: { PreToolUse: [{ matcher: "Bash", ...instead({ command: "touch new" }) }] },
      });
      stage.home.write("project/sub/x", "");
      expect((await stage.run(GO)).code).toBe(0);
      expect([stage.has(made), stage.has("old"), stage.has("sub/old")]).toEqual([true, false, false]);
    },
    60_000,
  );

  test("applies another patch, and hooks after it and for permission see that one", async () => {
    const patch = (name: string) => `*** Begin Patch\n*** Add File: ${name}\n+x\n*** End Patch\n`;
    await using stage = await hookStage({
      responses: [answer(customToolCall("apply_patch", patch("old.txt"))), say("ok")],
    });
    stage.home.write(
      "replacement.json",
      JSON.stringify({ hookSpecificOutput: { updatedInput: { command: patch("new.txt") } } }),
    );
    stage.home.write(
      ".codex/hooks.json",
      JSON.stringify({
        hooks: {
          PreToolUse: [
            { hooks: [{ type: "command", command: record(stage.path("records")) }] },
            { hooks: [{ type: "command", command: `cat ${stage.path("replacement.json")}` }] },
          ],
          PostToolUse: [{ hooks: [{ type: "command", command: record(stage.path("records")) }] }],
        },
      }),
    );
    await stage.run(GO);
    expect([stage.has("new.txt"), stage.has("old.txt")]).toEqual([true, false]);
    expect(
      stage.recorded().map(({ hook_event_name, tool_name, tool_input }) => [hook_event_name, tool_name, tool_input]),
    ).toEqual([
      ["PreToolUse", "apply_patch", { command: patch("old.txt") }],
      ["PostToolUse", "apply_patch", { command: patch("new.txt") }],
    ]);
  }, 60_000);

  test("of a patch is heard by a matcher of what other agents call it", async () => {
    const patch = "*** Begin Patch\n*** Add File: old.txt\n+x\n*** End Patch\n";
    await using stage = await hookStage({
      responses: [answer(customToolCall("apply_patch", patch)), shell("touch made"), say("ok")],
      hooks: { PreToolUse: [{ matcher: "Edit|Write", command: "echo no patches >&2; exit 2" }] },
    });
    const run = await stage.run(GO);
    expect(toolOutput(stage.server.requests[1])).toBe("The call was not run: a hook blocked it: no patches");
    expect([stage.has("old.txt"), stage.has("made")]).toEqual([false, true]);
    expect(run.stderr).not.toContain("no tool call is named");
  }, 60_000);

  test("replaces the arguments of other tools as a whole", async () => {
    const plan = { plan: [{ step: "hook's", status: "pending" }] };
    await using stage = await hookStage({
      responses: [answer(functionCall("update_plan", { plan: [{ step: "model's", status: "pending" }] })), say("ok")],
      hooks: { PreToolUse: [{ matcher: "update_plan", ...instead(plan) }] },
    });
    const run = await stage.run(["exec", "--json", "go"]);
    expect(run.stdout).toContain("hook's");
    expect(run.stdout).not.toContain("model's");
  }, 60_000);

  test("is judged by the rules as the model's own command is", async () => {
    await using stage = await hookStage({
      responses: [shell("echo harmless"), say("ok")],
      hooks: { PreToolUse: [instead({ command: "touch forbidden" })] },
    });
    stage.home.write(
      ".codex/rules/x.rules",
      'prefix_rule(pattern=["touch"], decision="forbidden", justification="never touch")\n',
    );
    await stage.run(GO);
    expect(toolOutput(stage.server.requests[1])).toContain("never touch");
    expect(stage.has("forbidden")).toBe(false);
  }, 60_000);

  test("stays in the sandbox, whatever a hook allows", async () => {
    await using stage = await hookStage({
      responses: [shell("echo harmless"), say("ok")],
      hooks: { PreToolUse: [instead({ command: "touch outside || echo REFUSED" })] },
    });
    const run = await stage.run(["exec", "-s", "read-only", "go"]);
    expect(run.code).toBe(0);
    expect(toolOutput(stage.server.requests[1])).toContain("REFUSED");
    expect(stage.has("outside")).toBe(false);
  }, 60_000);

  test("of a patch is verified again: outside the workspace it is refused", async () => {
    await using elsewhere = await tempHome();
    const patch = (name: string) => `*** Begin Patch\n*** Add File: ${name}\n+x\n*** End Patch\n`;
    const outside = `${elsewhere.root}/outside.txt`;
    await using stage = await hookStage({
      responses: [answer(customToolCall("apply_patch", patch("inside.txt"))), say("ok")],
      hooks: { PreToolUse: [instead({ command: patch(outside) })] },
    });
    const env = { TMPDIR: "/nonexistent" };
    await stage.run(["exec", "-s", "workspace-write", "-c", "sandbox_workspace_write.exclude_slash_tmp=true", "go"], {
      env,
    });
    expect(existsSync(outside)).toBe(false);
    expect(toolOutput(stage.server.requests[1])).toContain("outside of the project");
  }, 60_000);

  test.each([
    [
      "of two hooks that differ",
      [instead({ command: "touch a" }), instead({ command: "touch b" })],
      "two hooks want different",
    ],
    ["without a command", [instead({ cmd: "touch a" })], "without a text `command`"],
  ])(
    "%s runs nothing",
    async (_what, handlers, reason) => {
      await using stage = await hookStage({
        responses: [shell("touch old"), say("ok")],
        hooks: { PreToolUse: handlers },
      });
      await stage.run(GO);
      expect(toolOutput(stage.server.requests[1])).toContain(reason);
      expect(["a", "b", "old"].filter((name) => stage.has(name))).toEqual([]);
    },
    60_000,
  );

  test("of two hooks that agree runs, and one that refuses wins over both", async () => {
    const agreeing = [instead({ command: "touch new" }), instead({ command: "touch new" })];
    await using stage = await hookStage({
      responses: [shell("touch old"), say("ok")],
      hooks: { PreToolUse: agreeing },
    });
    await stage.run(GO);
    expect(stage.has("new")).toBe(true);
    const refusing = [...agreeing, before({ permissionDecision: "deny", permissionDecisionReason: "no" })];
    await using strict = await hookStage({
      responses: [shell("touch old"), say("ok")],
      hooks: { PreToolUse: refusing },
    });
    await strict.run(GO);
    expect([strict.has("new"), strict.has("old")]).toEqual([false, false]);
    expect(toolOutput(strict.server.requests[1])).toBe("The call was not run: a hook blocked it: no");
  }, 60_000);
});

describe("a decision", () => {
  test("allow and approve let nothing past a forbidden rule", async () => {
    for (const handler of [before({ permissionDecision: "allow" }), printing({ decision: "approve" })]) {
      await using stage = await hookStage({
        responses: [shell("touch made"), say("ok")],
        hooks: { PreToolUse: [handler] },
      });
      stage.home.write(".codex/rules/x.rules", 'prefix_rule(pattern=["touch"], decision="forbidden")\n');
      await stage.run(GO);
      expect(stage.has("made")).toBe(false);
    }
  }, 60_000);

  const ask = before({ permissionDecision: "ask", permissionDecisionReason: "a person should look" });
  const permission = (decision: Record<string, unknown>): Handler =>
    printing({ hookSpecificOutput: { hookEventName: "PermissionRequest", decision } });

  test("ask runs nothing where there is nobody to be asked", async () => {
    await using stage = await hookStage({ responses: [shell("touch made"), say("ok")], hooks: { PreToolUse: [ask] } });
    await stage.run(GO);
    expect(stage.has("made")).toBe(false);
    expect(toolOutput(stage.server.requests[1])).toContain("a person should look");
  }, 60_000);

  test("ask about a tool that has no question runs nothing either", async () => {
    const plan = { plan: [{ step: "one", status: "pending" }] };
    await using stage = await hookStage({
      responses: [answer(functionCall("update_plan", plan)), say("ok")],
      hooks: { PreToolUse: [ask] },
    });
    await stage.run(GO);
    expect(toolOutput(stage.server.requests[1])).toContain('which "update_plan" has no question for');
  }, 60_000);

  test("of a PermissionRequest hook answers for the person; a refusal wins over a permission", async () => {
    const responses = [shell("touch made"), say("ok")];
    await using allowing = await hookStage({ responses });
    allowing.home.write(
      ".codex/hooks.json",
      JSON.stringify({
        hooks: {
          PreToolUse: [{ hooks: [{ type: "command", ...ask }] }],
          PermissionRequest: [
            {
              matcher: "Bash",
              hooks: [
                { type: "command", ...permission({ behavior: "allow" }) },
                { type: "command", command: record(allowing.path("records")) },
              ],
            },
          ],
        },
      }),
    );
    await allowing.run(GO);
    expect(allowing.has("made")).toBe(true);
    expect(allowing.recorded()).toEqual([
      {
        session_id: expect.any(String),
        turn_id: expect.any(String),
        transcript_path: expect.any(String),
        cwd: allowing.home.cwd,
        hook_event_name: "PermissionRequest",
        model: "gpt-5.2-codex",
        permission_mode: "bypassPermissions",
        tool_name: "Bash",
        tool_input: { command: "touch made", login: false, description: "a person should look" },
      },
    ]);
    const handlers = [permission({ behavior: "allow" }), permission({ behavior: "deny", message: "not this one" })];
    await using denying = await hookStage({ responses, hooks: { PreToolUse: [ask], PermissionRequest: handlers } });
    await denying.run(GO);
    expect(denying.has("made")).toBe(false);
    expect(toolOutput(denying.server.requests[1])).toContain("not this one");
  }, 60_000);

  test("is about its own call, also when the model gives two calls one id", async () => {
    const both = answer(
      functionCall("exec_command", { cmd: "sleep 0.1; touch bad", login: false }, "same"),
      functionCall("exec_command", { cmd: "touch good", login: false }, "same"),
    );
    await using stage = await hookStage({ responses: [both, say("ok")] });
    const allow = JSON.stringify(permission({ behavior: "allow" }).command);
    const guard = stage.home.write("guard.sh", `grep -q 'touch good' || exit 2\nsleep 0.3; eval ${allow}\n`);
    stage.home.write(
      ".codex/hooks.json",
      JSON.stringify({
        hooks: {
          PreToolUse: [{ hooks: [{ type: "command", ...ask }] }],
          PermissionRequest: [{ hooks: [{ type: "command", command: `sh ${guard}` }] }],
        },
      }),
    );
    await stage.run(GO);
    expect([stage.has("good"), stage.has("bad")]).toEqual([true, false]);
  }, 60_000);

  test("of a PermissionRequest hook can end the turn, and one with another input counts as a failure", async () => {
    const responses = [shell("touch made"), say("ok")];
    const end = permission({ behavior: "deny", message: "stop it", interrupt: true });
    await using stage = await hookStage({ responses, hooks: { PreToolUse: [ask], PermissionRequest: [end] } });
    const run = await stage.run(GO);
    expect([stage.server.requests.length, run.code === 0, stage.has("made")]).toEqual([1, false, false]);
    const other = permission({ behavior: "allow", updatedInput: { command: "touch other" } });
    await using second = await hookStage({ responses, hooks: { PreToolUse: [ask], PermissionRequest: [other] } });
    await second.run(GO);
    expect(toolOutput(second.server.requests[1])).toContain("`updatedInput`");
    expect([second.has("made"), second.has("other")]).toEqual([false, false]);
  }, 60_000);
});

describe("what the model is told", () => {
  test("context beyond its limit is stored whole and named", async () => {
    const long = Array.from({ length: 2000 }, (_, n) => `line ${n}`).join(" ");
    const output = { hookSpecificOutput: { hookEventName: "PostToolUse", additionalContext: long } };
    await using stage = await hookStage({
      responses: [shell("true"), say("ok")],
      hooks: {
        UserPromptSubmit: [{ command: "seq 1 100000" }],
        PostToolUse: [{ ...printing(output), additionalContextLimit: 20 }],
      },
    });
    stage.home.write("tmp/x", "");
    await stage.run(GO, { env: { TMPDIR: stage.path("tmp") } });
    const contexts = messages(stage.server.requests[1])
      .filter(([role, text]) => role === "developer" && text.includes("The whole text"))
      .map(([, text]) => text);
    expect(contexts).toHaveLength(2);
    expect(contexts.map((text) => Math.round(text.length / 1000))).toEqual([10, 0]);
    const files = contexts.map((text) => /The whole text of this hook is in "(.*)"\./.exec(text)?.[1] ?? "");
    const stored = files.map((file) => readFileSync(file, "utf8"));
    expect(stored[0]).toEndWith("99999\n100000");
    expect(stored[1]).toBe(long);
    expect(files.every((file) => file.startsWith(stage.path("tmp/codex-hook-outputs-")))).toBe(true);
    expect(files.map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o600]);
  }, 60_000);

  test("what was stored stays a week, or as long as a session that is not stored itself", async () => {
    await using stage = await hookStage({
      responses: [say("ok")],
      hooks: { UserPromptSubmit: [{ command: "seq 1 100000" }] },
    });
    const folder = (name: string, days: number) => {
      const file = stage.home.write(`tmp/${name}/text.txt`, "x");
      const then = Date.now() / 1000 - days * 86_400;
      utimesSync(dirname(file), then, then);
    };
    folder("codex-hook-outputs-oldone", 8);
    folder("codex-hook-outputs-newone", 6);
    folder("codex-hook-outputs-of-mine", 8);
    folder("target", 8);
    // Only root can make a folder of somebody else's, and only root could remove it.
    const isRoot = process.getuid?.() === 0;
    if (isRoot) {
      folder("codex-hook-outputs-theirs", 8);
      chownSync(stage.path("tmp/codex-hook-outputs-theirs"), 65534, 65534);
    }
    symlinkSync(stage.path("tmp/target"), stage.path("tmp/codex-hook-outputs-linked"));
    const left = async (args: readonly string[]) => {
      await stage.run(args, { env: { TMPDIR: stage.path("tmp") } });
      const names = readdirSync(stage.path("tmp")).filter((name) => /^codex-hook|^target/.test(name));
      return names.toSorted();
    };
    const others = ["linked", "newone", "of-mine", ...(isRoot ? ["theirs"] : [])].map(
      (name) => `codex-hook-outputs-${name}`,
    );
    expect(await left(["exec", "--ephemeral", "go"])).toEqual([...others, "target"]);
    expect(existsSync(stage.path("tmp/target/text.txt"))).toBe(true);
    expect(await left(GO)).toHaveLength(others.length + 2);
  }, 60_000);

  test("the output of a command is told alone to PostToolUse hooks", async () => {
    await using stage = await hookStage({ responses: [shell("echo one; echo Output:; echo two"), say("ok")] });
    const handler = { type: "command", command: record(stage.path("records")) };
    stage.home.write(".codex/hooks.json", JSON.stringify({ hooks: { PostToolUse: [{ hooks: [handler] }] } }));
    await stage.run(GO);
    expect(stage.recorded().map((input) => input.tool_response)).toEqual(["one\nOutput:\ntwo\n"]);
  }, 60_000);
});

test("what hooks and the notify program read is JSON for strict readers too", async () => {
  await using stage = await hookStage({
    responses: [shell("echo half \ud800 pair"), answer(assistantText("half \udfff pair"))],
    toml: `notify = ["sh", "-c", 'printf %s "$1" > $HOME/part; mv $HOME/part $HOME/notified', "sh"]`,
  });
  const handler = { type: "command", command: record(stage.path("records")) };
  const hooks = { PreToolUse: [{ hooks: [handler] }], Stop: [{ hooks: [handler] }] };
  stage.home.write(".codex/hooks.json", JSON.stringify({ hooks }));
  await stage.run(GO);
  const [call, stop] = stage.recorded();
  expect(call).toMatchObject({ tool_input: { command: "echo half \ufffd pair" } });
  expect(stop).toMatchObject({ last_assistant_message: "half \ufffd pair" });
  const deadline = Date.now() + 20_000;
  while (!stage.has("../notified") && Date.now() < deadline) await Bun.sleep(10);
  const notified = JSON.parse(readFileSync(stage.path("notified"), "utf8")) as Record<string, unknown>;
  expect(notified["last-assistant-message"]).toBe("half \ufffd pair");
}, 60_000);

test("statusMessage is progress on standard error, systemMessage a warning", async () => {
  await using stage = await hookStage({
    responses: [shell("true"), say("ok")],
    hooks: { PreToolUse: [{ ...printing({ systemMessage: "be careful" }), statusMessage: "looking at the command" }] },
  });
  const run = await stage.run(GO);
  expect(run.stderr).toContain("hook: PreToolUse: looking at the command\n");
  expect(run.stderr).toContain("warning: be careful\n");
  expect(run.stdout).toBe("ok\n");
}, 60_000);

test("people see what a hook blocked, once, and what it cannot say to a terminal is left out", async () => {
  const refuse = (reason: string) => ({
    command: `[ -e ${reason} ] || { touch ${reason}; printf '${reason}\\033[2J' >&2; exit 2; }`,
  });
  await using stage = await hookStage({
    responses: [shell("true"), shell("true"), say("more"), say("ok")],
    hooks: { PreToolUse: [refuse("no-call")], PostToolUse: [refuse("no-output")], Stop: [refuse("no-end")] },
  });
  const { stderr } = await stage.run(GO);
  const told = stderr.split("\n").filter((line) => line.startsWith("hook: "));
  expect(told).toEqual([
    "hook: PreToolUse blocked: no-call",
    "hook: PostToolUse blocked: no-output",
    "hook: Stop blocked: no-end",
  ]);
  await using failing = await hookStage({
    responses: [shell("true"), say("ok")],
    hooks: { PreToolUse: [{ command: "exit 1" }] },
  });
  const failed = await failing.run(GO);
  expect(failed.stderr.match(/ended with exit code 1/g)).toHaveLength(1);
}, 60_000);
