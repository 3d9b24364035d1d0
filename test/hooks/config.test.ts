import { describe, expect, test } from "bun:test";
import { mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "#config/load.ts";
import { resolveSettings } from "#config/resolve.ts";
import { type Hook, readHooks } from "#hooks/config.ts";
import { matcherAccepts, unseenNames } from "#hooks/match.ts";
import { HookApprovals, hookHash, trustedHooks } from "#hooks/trust.ts";
import { cpuMs } from "../support/cpu-ms.ts";
import { answer, assistantText } from "../support/model-script.ts";
import { startSession } from "../support/session.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

async function sources(home: TempHome) {
  const loaded = await loadConfig({ codexHome: home.codexHome, cwd: home.cwd, systemFolder: `${home.root}/no-system` });
  expect(loaded.warnings).toEqual([]);
  return resolveSettings(loaded).hookSources;
}

const one = (command: string) => JSON.stringify({ hooks: { Stop: [{ hooks: [{ type: "command", command }] }] } });

describe("reading hooks", () => {
  test("config.toml and hooks.json both count, with their defaults and bounds", async () => {
    await using home = await tempHome();
    const toml = home.write(
      "home/config.toml",
      `[[hooks.PreToolUse]]
matcher = "Bash"
[[hooks.PreToolUse.hooks]]
type = "command"
command = "guard"
timeout = 5
async = true
on_error = "ignore"
additionalContextLimit = 10
statusMessage = "looking"
[[hooks.SessionEnd]]
hooks = [{ type = "command", command = "bye" }, { type = "command", command = "long", timeout = 60 }]
`,
    );
    const json = home.write("home/hooks.json", one("done"));
    const { hooks, warnings } = readHooks(await sources(home));
    expect(warnings).toEqual([]);
    const defaults: Omit<Hook, "key" | "event" | "handler" | "file" | "timeoutMs"> = {
      matcher: undefined,
      isAsync: false,
      onError: "ignore",
      contextLimit: 2500,
      statusMessage: undefined,
      isProject: false,
    };
    const command = (text: string) => ({ type: "command" as const, command: text });
    expect(hooks).toEqual([
      {
        key: `${toml}:pre_tool_use:0:0`,
        event: "PreToolUse",
        matcher: "Bash",
        handler: command("guard"),
        timeoutMs: 5000,
        isAsync: true,
        onError: "ignore",
        contextLimit: 10,
        statusMessage: "looking",
        file: toml,
        isProject: false,
      },
      {
        ...defaults,
        key: `${toml}:session_end:0:0`,
        event: "SessionEnd",
        handler: command("bye"),
        timeoutMs: 1000,
        file: toml,
      },
      {
        ...defaults,
        key: `${toml}:session_end:0:1`,
        event: "SessionEnd",
        handler: command("long"),
        timeoutMs: 3000,
        file: toml,
      },
      {
        ...defaults,
        key: `${json}:stop:0:0`,
        event: "Stop",
        handler: command("done"),
        timeoutMs: 600_000,
        file: json,
      },
    ]);
  });

  test("keys that are null are not set, a group may be without hooks, and time-outs have their bounds", async () => {
    await using home = await tempHome();
    const group = (handler: Record<string, unknown>) => ({ matcher: null, hooks: [{ type: "command", ...handler }] });
    const nothing = { timeout: null, async: null, statusMessage: null, additionalContextLimit: null, on_error: null };
    const groups = [group({ command: "a", ...nothing }), group({ command: "b", timeout: 0 }), { matcher: "Bash" }];
    home.write("home/hooks.json", JSON.stringify({ hooks: { PreToolUse: groups } }).replace("}]", ',"x":1e999}]'));
    home.write("home/config.toml", 'hooks.Stop = [{ hooks = [{ type = "command", command = "c", timeout = inf }] }]');
    const { hooks } = readHooks(await sources(home));
    expect(hooks.map(({ matcher, timeoutMs, isAsync, onError }) => [matcher, timeoutMs, isAsync, onError])).toEqual([
      [undefined, 2 ** 31 - 1, false, "ignore"],
      [undefined, 600_000, false, "block"],
      [undefined, 1000, false, "block"],
    ]);
    const plain = { matcher: undefined, contextLimit: 2500, statusMessage: undefined };
    expect(hooks[1]).toMatchObject(plain);
  });

  test("events and types that are not run are named", async () => {
    await using home = await tempHome();
    const json = home.write(
      "home/hooks.json",
      JSON.stringify({
        hooks: {
          SomethingElse: [{ hooks: [{ type: "command", command: "x" }] }],
          Stop: [{ hooks: [{ type: "agent" }, { type: "prompt" }] }],
        },
      }),
    );
    const { hooks, warnings } = readHooks(await sources(home));
    expect(hooks).toEqual([]);
    expect(warnings).toEqual([
      `Hooks for "SomethingElse" of "${json}" are not run: known events are SessionStart, UserPromptSubmit, PreModelRequest, PostModelRequest, PreToolUse, PermissionRequest, PostToolUse, PreCompact, PostCompact, SubagentStart, SubagentStop, Stop, Interrupt, SessionEnd`,
      `A hook of type "agent" for Stop of "${json}" is not run: only the types "command" and "mcp_tool" are`,
      `A hook of type "prompt" for Stop of "${json}" is not run: only the types "command" and "mcp_tool" are`,
    ]);
  });

  test.each([
    ["not json", "it is not JSON"],
    ["[]", 'expected an object with the key "hooks"'],
    ['{"hooks":{"Stop":{}}}', "`hooks.Stop`"],
    ['{"hooks":{"Stop":[{"hooks":[{"type":"command"}]}]}}', "has no `command`"],
    [
      '{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"x","timeout":-1}]}]}}',
      "`hooks.Stop.0.hooks.0.timeout`",
    ],
    ['{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"x","on_error":"no"}]}]}}', "hooks.0.on_error`"],
    ['{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"x","timeout":-1}]}]}}', "hooks.0.timeout`"],
    [
      String.raw`{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"x\u0000y"}]}]}}`,
      'the `command` of a hook for Stop of type "command" has a NUL character',
    ],
    [
      '{"hooks":{"PreToolUse":[{"matcher":"(","hooks":[]}]}}',
      'the matcher "(" for PreToolUse is no regular expression',
    ],
  ])("%s is refused with its place", async (text, message) => {
    await using home = await tempHome();
    const json = home.write("home/hooks.json", text);
    const found = await sources(home);
    expect(() => readHooks(found)).toThrow(`Cannot use the hooks of "${json}"`);
    expect(() => readHooks(found)).toThrow(message);
  });

  test.each([
    ["a pipe", (file: string) => void Bun.spawnSync(["mkfifo", file]), "it is a pipe or device, expected a file"],
    ["a device without an end", (file: string) => symlinkSync("/dev/zero", file), "it is a pipe or device"],
    ["a folder", (file: string) => void mkdirSync(file), "it is a folder, expected a file"],
    ["a link to nothing", (file: string) => symlinkSync("/no/such/file", file), "No such file or directory"],
    [
      "nested without end",
      (file: string) => writeFileSync(file, `{"hooks":{"Stop":${"[".repeat(100_000)}${"]".repeat(100_000)}}}`),
      "it is nested too deeply",
    ],
    [
      "too long",
      (file: string) => writeFileSync(file, Buffer.alloc(16 * 1024 ** 2 + 1)),
      "it has 16777217 bytes, the limit is",
    ],
    ["of other bytes", (file: string) => writeFileSync(file, Buffer.from("{}", "utf16le")), "it is not JSON"],
    ["not UTF-8", (file: string) => writeFileSync(file, Buffer.from([0x7b, 0xff, 0x7d])), "it is not UTF-8"],
  ])("a hooks.json that is %s is refused at once", async (_what, make, message) => {
    await using home = await tempHome();
    const json = join(home.codexHome, "hooks.json");
    make(json);
    const found = await sources(home);
    expect(() => readHooks(found)).toThrow(`Cannot use the hooks of "${json}": ${message}`);
  });

  test("a matcher with a name that no tool call has is warned of", async () => {
    await using home = await tempHome();
    const group = { matcher: "exec_command | Bash", hooks: [{ type: "command", command: "x" }] };
    const json = home.write("home/hooks.json", JSON.stringify({ hooks: { PreToolUse: [group], Stop: [group] } }));
    const { hooks, warnings } = readHooks(await sources(home));
    expect(hooks).toHaveLength(2);
    expect(warnings).toEqual([
      expect.stringContaining(
        `The matcher "exec_command | Bash" for PreToolUse of "${json}": no tool call is named "exec_command". Commands are "Bash"`,
      ),
    ]);
  });

  test("nothing configured is no source", async () => {
    await using home = await tempHome({ git: true });
    home.write("project/.codex/config.toml", "");
    expect(await sources(home)).toEqual([]);
  });
});

describe("a project's hooks", () => {
  test("are not even read without trust in the project", async () => {
    await using home = await tempHome({ git: true });
    home.write("project/.codex/hooks.json", one("evil"));
    home.write("project/.codex/config.toml", '[[hooks.Stop]]\nhooks = [{ type = "command", command = "evil" }]\n');
    expect(await sources(home)).toEqual([]);
    home.write("home/config.toml", `[projects."${home.cwd}"]\ntrust_level = "untrusted"\n`);
    expect(await sources(home)).toEqual([]);
  });

  test("of a trusted project run only as approved; a changed one does not", async () => {
    await using home = await tempHome({ git: true });
    home.write("home/config.toml", `[projects."${home.cwd}"]\ntrust_level = "trusted"\n`);
    home.write("home/hooks.json", one("mine"));
    const file = home.write("project/.codex/hooks.json", one("theirs"));
    const { hooks } = readHooks(await sources(home));
    const theirs = hooks.find((hook) => hook.isProject);
    if (theirs === undefined) throw new Error("the project's hook was not read");
    const trusted = (of: readonly Hook[] = hooks) => trustedHooks(of, home.codexHome, { bypass: false });
    const commands = (of: readonly Hook[]) =>
      of.map(({ handler }) => (handler.type === "command" ? handler.command : ""));
    const skipped = (why: string, hook: Hook) =>
      `Skipped the hook "theirs" for Stop of "${file}": ${why}. To run it: codex hooks trust ${hookHash(hook).slice(0, 19)}`;
    expect(commands(trusted().hooks)).toEqual(["mine"]);
    expect(trusted().warnings).toEqual([skipped("you have not approved it", theirs)]);
    expect(trustedHooks(hooks, home.codexHome, { bypass: true })).toEqual({
      hooks,
      warnings: ["1 hook of this project runs without your approval (--dangerously-bypass-hook-trust)"],
    });
    home.write("home/hooks-trust.json", JSON.stringify({ approved: [hookHash(theirs)] }));
    expect(trusted()).toEqual({ hooks, warnings: [] });
    const approvals = new HookApprovals(home.codexHome);
    await approvals.set([theirs], true, hooks);
    expect(statSync(approvals.file).mode & 0o777).toBe(0o600);
    expect(trusted()).toEqual({ hooks, warnings: [] });
    for (const change of [
      { handler: { type: "command", command: "other" } },
      { matcher: "x" },
      { file: "/elsewhere" },
      { onError: "block" },
      { timeoutMs: 5 },
      { event: "SessionStart" },
      { isAsync: true },
      { contextLimit: 1 },
      { statusMessage: "x" },
    ] as const) {
      expect(trusted([{ ...theirs, ...change }]).hooks).toEqual([]);
    }
    const changed: Hook = { ...theirs, timeoutMs: 5 };
    expect(trusted([changed]).warnings).toEqual([skipped("it was changed since you approved it", changed)]);
    await new HookApprovals(home.codexHome).set([changed], true, [changed]);
    expect([trusted([changed]).hooks.length, trusted([theirs]).hooks.length]).toEqual([1, 0]);
    await new HookApprovals(home.codexHome).set([changed], false, [changed]);
    expect(trusted([changed]).warnings).toEqual([skipped("you have not approved it", changed)]);
    home.write("home/hooks-trust.json", "{}");
    expect(() => trusted()).toThrow('expected {"approved": [{"hash": "sha256:…"}]}');
  });
});

test("features.hooks = false switches all of them off, unless a project says so", async () => {
  await using home = await tempHome({ git: true });
  home.write("home/hooks.json", one("mine"));
  const trust = `[projects."${home.cwd}"]\ntrust_level = "trusted"\n`;
  home.write("home/config.toml", trust);
  home.write("project/.codex/config.toml", "[features]\nhooks = false\n");
  expect(await sources(home)).toHaveLength(1);
  home.write("home/config.toml", `${trust}[features]\nhooks = false\n`);
  expect(await sources(home)).toEqual([]);
  home.write("project/.codex/config.toml", "[features]\nhooks = true\n");
  expect(await sources(home)).toEqual([]);
});

test("a hook that is switched off in [hooks.state] is not run, unless a project says so", async () => {
  await using home = await tempHome({ git: true });
  const json = home.write("home/hooks.json", one("mine"));
  const state = (enabled: boolean) => `[hooks.state."${json}:stop:0:0"]\nenabled = ${enabled}\ntrusted_hash = "x"\n`;
  const trust = `[projects."${home.cwd}"]\ntrust_level = "trusted"\n`;
  home.write("home/config.toml", trust);
  home.write("project/.codex/config.toml", state(false));
  expect(readHooks(await sources(home)).hooks).toHaveLength(1);
  home.write("home/config.toml", `${trust}${state(true)}`);
  expect(readHooks(await sources(home)).hooks).toHaveLength(1);
  home.write("home/config.toml", `${trust}${state(false)}`);
  expect(readHooks(await sources(home))).toEqual({ hooks: [], warnings: [] });
});

test.each([
  [undefined, "Bash", true],
  ["", "Bash", true],
  ["*", "Bash", true],
  ["Bash", "Bash", true],
  ["Bash", "BashOutput", false],
  ["Edit|Bash", "Bash", true],
  ["mcp__.*", "mcp__a__b", true],
  ["^Ba", "Bash", true],
  ["^as", "Bash", false],
  ["Bash", null, true],
  ["Bash | apply_patch", "apply_patch", true],
  [" Bash ", "Bash", true],
  ["  ", "Bash", true],
  ["^x$ | mcp__.*", "mcp__a__b", true],
  ["|", "Bash", false],
  ["Edit", "apply_patch", true],
  ["foo|Write", "apply_patch", true],
  ["^Edit$", "apply_patch", true],
  ["^(Edit|Foo)$", "apply_patch", true],
  ["Wri", "apply_patch", false],
  ["MultiEdit|edit", "apply_patch", false],
  ["Edit|Write", "Bash", false],
  ["(?i)^bash$", "Bash", true],
  ["(?i)^bash$", "Bush", false],
])("the matcher %p on %p: %p", (matcher, name, accepts) => {
  expect(matcherAccepts(matcher, name)).toBe(accepts);
});

test.each([
  ["Bash", []],
  ["Bash | apply_patch|write_stdin", []],
  ["", []],
  ["*", []],
  [undefined, []],
  ["Bash|", []],
  ["mcp__a__b", []],
  ["mcp__.*", []],
  ["^Bash$", []],
  ["mcp__(one|exec_command)__.*", []],
  ["github|mcp__a__.*", []],
  ["Bash, Edit", ["Bash, Edit"]],
  ["Bash Edit|mcp__.*", ["Bash Edit"]],
  ["exec_command", ["exec_command"]],
  ["exec_command|mcp__a__.*", ["exec_command"]],
  ["Edit|Write|Bash", []],
  ["Edit|MultiEdit|Read", ["MultiEdit", "Read"]],
  ["bash", ["bash"]],
  ["mcp__github", ["mcp__github"]],
  ["|", ["|"]],
] as const)("the names in %p that no tool call has: %p", (matcher, names) => {
  expect(unseenNames(matcher, "PreToolUse")).toEqual([...names]);
  expect(unseenNames(matcher, "SessionStart")).toEqual([]);
});

test("the names of all tools a model is offered are known", async () => {
  await using session = await startSession({ responses: [answer(assistantText("ok"))] });
  await session.say("go");
  const tools = session.server.requests[0]?.body.tools as { type: string; name?: string }[];
  const names = tools.flatMap(({ type, name }) => (type === "web_search" ? [] : (name ?? [])));
  expect(names).toContain("exec_command");
  expect(names.filter((name) => unseenNames(name, "PreToolUse").length > 0)).toEqual(["exec_command"]);
});

test("as many hooks as approvals are told apart in a moment", async () => {
  await using home = await tempHome();
  const hooks = Array.from(
    { length: 4_000 },
    (_, at): Hook => ({
      key: `hooks.json:stop:0:${at}`,
      event: "Stop",
      matcher: undefined,
      handler: { type: "command", command: `run ${at}` },
      timeoutMs: 1,
      isAsync: false,
      onError: "ignore",
      contextLimit: 1,
      statusMessage: undefined,
      file: "hooks.json",
      isProject: true,
    }),
  );
  const approved = hooks.map((hook) => ({ hash: hookHash(hook), key: hook.key }));
  writeFileSync(join(home.codexHome, "hooks-trust.json"), JSON.stringify({ approved: approved.slice(1) }));
  const spent = await cpuMs(() => {
    expect(trustedHooks(hooks, home.codexHome, { bypass: false }).hooks).toHaveLength(3_999);
  });
  expect(spent).toBeLessThan(2_000);
});

test("a matcher with a long gap is read in a moment", async () => {
  const spent = await cpuMs(() => unseenNames(`a${" ".repeat(150_000)}b | Bash`, "PreToolUse"));
  expect(spent).toBeLessThan(1_000);
});
