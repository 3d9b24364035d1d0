import { describe, expect, test } from "bun:test";
import { loadConfig } from "#config/load.ts";
import { resolveSettings } from "#config/resolve.ts";
import { type CommandHook, readHooks } from "#hooks/config.ts";
import { matcherAccepts } from "#hooks/match.ts";
import { hookHash, trustedHooks } from "#hooks/trust.ts";
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
on_error = "block"
additionalContextLimit = 10
statusMessage = "looking"
[[hooks.SessionEnd]]
hooks = [{ type = "command", command = "bye" }, { type = "command", command = "long", timeout = 60 }]
`,
    );
    const json = home.write("home/hooks.json", one("done"));
    const { hooks, warnings } = readHooks(await sources(home));
    expect(warnings).toEqual([]);
    const defaults: Omit<CommandHook, "event" | "command" | "file" | "timeoutMs"> = {
      matcher: undefined,
      isAsync: false,
      onError: "ignore",
      contextLimit: 2500,
      isProject: false,
    };
    expect(hooks).toEqual([
      {
        event: "PreToolUse",
        matcher: "Bash",
        command: "guard",
        timeoutMs: 5000,
        isAsync: true,
        onError: "block",
        contextLimit: 10,
        file: toml,
        isProject: false,
      },
      { ...defaults, event: "SessionEnd", command: "bye", timeoutMs: 1000, file: toml },
      { ...defaults, event: "SessionEnd", command: "long", timeoutMs: 3000, file: toml },
      { ...defaults, event: "Stop", command: "done", timeoutMs: 600_000, file: json },
    ]);
  });

  test("events and types that are not run are named", async () => {
    await using home = await tempHome();
    const json = home.write(
      "home/hooks.json",
      JSON.stringify({
        hooks: {
          SubagentStop: [{ hooks: [{ type: "command", command: "x" }] }],
          Stop: [{ hooks: [{ type: "mcp_tool", server: "s", tool: "t" }, { type: "prompt" }] }],
        },
      }),
    );
    const { hooks, warnings } = readHooks(await sources(home));
    expect(hooks).toEqual([]);
    expect(warnings).toEqual([
      `Hooks for "SubagentStop" of "${json}" are not run: known events are SessionStart, UserPromptSubmit, PreToolUse, PermissionRequest, PostToolUse, PreCompact, PostCompact, Stop, SessionEnd`,
      `A hook of type "mcp_tool" for Stop of "${json}" is not run: only type "command" is`,
      `A hook of type "prompt" for Stop of "${json}" is not run: only type "command" is`,
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
    const before = trustedHooks(hooks, home.codexHome);
    expect(before.hooks.map(({ command }) => command)).toEqual(["mine"]);
    expect(before.warnings).toEqual([
      `Skipped the hook "theirs" for Stop of "${file}": it is new or was changed. To run it, add "${hookHash(theirs)}" to the list "approved" in "${home.codexHome}/hooks-trust.json"`,
    ]);
    home.write("home/hooks-trust.json", JSON.stringify({ approved: [hookHash(theirs)] }));
    expect(trustedHooks(hooks, home.codexHome)).toEqual({ hooks, warnings: [] });
    for (const change of [
      { command: "other" },
      { matcher: "x" },
      { file: "/elsewhere" },
      { onError: "block" },
    ] as const) {
      expect(trustedHooks([{ ...theirs, ...change }], home.codexHome).hooks).toEqual([]);
    }
    home.write("home/hooks-trust.json", "{}");
    expect(() => trustedHooks(hooks, home.codexHome)).toThrow('expected {"approved": ["sha256:…"]}');
  });
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
])("the matcher %p on %p: %p", (matcher, name, accepts) => {
  expect(matcherAccepts(matcher, name)).toBe(accepts);
});
