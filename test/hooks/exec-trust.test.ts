import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { hookStage, hooksJson, say } from "./exec-stage.ts";

type Stage = Awaited<ReturnType<typeof hookStage>>;

const GO = ["exec", "go"];

function trust(stage: Stage): string {
  return `[projects."${stage.home.cwd}"]\ntrust_level = "trusted"\n`;
}

/** A stage whose project brings a hook along that leaves a file. */
async function projectHook(options: { trusted: boolean }) {
  const stage = await hookStage({ responses: () => say("ok") });
  const mark = stage.path("ran");
  const write = (command: string) =>
    stage.home.write("project/.codex/hooks.json", hooksJson({ SessionStart: [{ command }] }));
  const file = write(`touch ${mark}`);
  if (options.trusted) {
    const config = stage.path(".codex/config.toml");
    stage.home.write(".codex/config.toml", readFileSync(config, "utf8") + trust(stage));
  }
  return { stage, mark, write, file };
}

test("hooks of config.toml, hooks.json, the command line and an approved project all run", async () => {
  const { stage, mark } = await projectHook({ trusted: true });
  await using _ = stage;
  stage.home.write(".codex/hooks.json", hooksJson({ SessionStart: [{ command: `touch ${stage.path("json")}` }] }));
  const config = stage.path(".codex/config.toml");
  const table = `[[hooks.SessionStart]]\nhooks = [{ type = "command", command = "touch ${stage.path("toml")}" }]\n`;
  stage.home.write(".codex/config.toml", readFileSync(config, "utf8") + table);
  expect((await stage.run(["hooks", "trust", "--all"])).code).toBe(0);
  const line = `hooks.Stop=[{hooks=[{type="command",command="touch ${stage.path("line")}"}]}]`;
  const run = await stage.run(["exec", "-c", line, "go"]);
  expect(run.code).toBe(0);
  expect(
    [mark, stage.path("json"), stage.path("toml"), stage.path("line")].filter((path) => !existsSync(path)),
  ).toEqual([]);
}, 60_000);

test("--disable hooks runs none for once, and one that cannot be read is then no obstacle", async () => {
  await using stage = await hookStage({ responses: () => say("ok") });
  stage.home.write(".codex/hooks.json", "{broken");
  expect((await stage.run(GO)).code).toBe(1);
  expect((await stage.run(["exec", "--disable", "hooks", "go"])).code).toBe(0);
  stage.home.write(".codex/hooks.json", hooksJson({ SessionStart: [{ command: `touch ${stage.path("ran")}` }] }));
  await stage.run(["exec", "--disable", "hooks", "go"]);
  expect(existsSync(stage.path("ran"))).toBe(false);
}, 60_000);

describe("a project's hooks", () => {
  test("are not even listed without trust in the project, and no option changes that", async () => {
    const { stage, mark } = await projectHook({ trusted: false });
    await using _ = stage;
    const run = await stage.run(["exec", "--dangerously-bypass-hook-trust", "go"]);
    expect([run.code, run.stderr.includes("hook")]).toEqual([0, false]);
    expect(existsSync(mark)).toBe(false);
    const list = await stage.run(["hooks", "list"]);
    expect(list.stdout).toBe("No hooks are configured for this folder.\n");
    const folder = `${stage.home.cwd}/.codex`;
    expect(list.stderr).toBe(
      `warning: The hooks of "${folder}" are not used: the folder "${stage.home.cwd}" has no trust decision; trust it to use its configuration\n`,
    );
    const all = await stage.run(["hooks", "trust", "--all"]);
    expect([all.code, all.stdout]).toEqual([0, "No hooks are configured for this folder.\n"]);
  }, 60_000);

  test("run once they are approved, until they change", async () => {
    const { stage, mark, write, file } = await projectHook({ trusted: true });
    await using _ = stage;
    const first = await stage.run(GO);
    const hash = /codex hooks trust (sha256:[0-9a-f]{12})/.exec(first.stderr)?.[1] ?? "";
    expect(first.stderr).toContain(
      `warning: Skipped the hook "touch ${mark}" for SessionStart of "${file}": you have not approved it.`,
    );
    expect(existsSync(mark)).toBe(false);
    expect((await stage.run(["hooks", "trust", hash])).stdout).toContain("  trusted  ");
    const second = await stage.run(GO);
    expect([second.stderr.includes("Skipped"), existsSync(mark)]).toEqual([false, true]);
    write(`touch ${stage.path("evil")}`);
    const third = await stage.run(GO);
    expect(third.stderr).toContain("it was changed since you approved it");
    expect(existsSync(stage.path("evil"))).toBe(false);
    const listed = JSON.parse((await stage.run(["hooks", "list", "--json"])).stdout) as Record<string, unknown>[];
    expect(listed).toEqual([
      {
        hash: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
        key: `${file}:session_start:0:0`,
        event: "SessionStart",
        matcher: null,
        type: "command",
        command: `touch ${stage.path("evil")}`,
        timeout: 600,
        async: false,
        on_error: "ignore",
        file,
        trust: "changed",
      },
    ]);
  }, 60_000);

  test("stop running when the approval is taken back", async () => {
    const { stage, mark } = await projectHook({ trusted: true });
    await using _ = stage;
    await stage.run(["hooks", "trust", `touch ${mark}`]);
    await stage.run(["hooks", "untrust", `touch ${mark}`]);
    expect((await stage.run(GO)).stderr).toContain("you have not approved it");
    expect(existsSync(mark)).toBe(false);
  }, 60_000);

  test("keep their approvals when others beside them are decided about after a move", async () => {
    const { stage } = await projectHook({ trusted: true });
    await using _ = stage;
    const write = (...commands: string[]) =>
      stage.home.write("project/.codex/hooks.json", hooksJson({ Stop: commands.map((command) => ({ command })) }));
    const trusts = async () => {
      const listed = JSON.parse((await stage.run(["hooks", "list", "--json"])).stdout) as Record<string, string>[];
      return listed.map(({ command, trust: state }) => `${command} ${state}`);
    };
    write("one", "two");
    await stage.run(["hooks", "trust", "--all"]);
    write("two", "one");
    await stage.run(["hooks", "untrust", "two"]);
    expect(await trusts()).toEqual(["two new", "one trusted"]);
    await stage.run(["hooks", "trust", "two"]);
    expect(await trusts()).toEqual(["two trusted", "one trusted"]);
    write("two", "three");
    await stage.run(["hooks", "trust", "three"]);
    write("two", "one");
    expect(await trusts()).toEqual(["two trusted", "one changed"]);
  }, 60_000);

  test("do not run while the approvals cannot be read, and nothing waits for a named pipe in their place", async () => {
    const { stage, mark } = await projectHook({ trusted: true });
    await using _ = stage;
    const file = stage.path(".codex/hooks-trust.json");
    expect(Bun.spawnSync(["mkfifo", file]).exitCode).toBe(0);
    const { code, stderr } = await stage.run(GO);
    expect([code, stderr]).toEqual([1, expect.stringContaining(`Cannot read "${file}": not a regular file`)]);
    expect(existsSync(mark)).toBe(false);
  }, 60_000);

  test("are all approved when many processes do so at once", async () => {
    const { stage } = await projectHook({ trusted: true });
    await using _ = stage;
    const commands = Array.from({ length: 12 }, (_value, index) => `echo ${index}`);
    stage.home.write("project/.codex/hooks.json", hooksJson({ Stop: commands.map((command) => ({ command })) }));
    const runs = await Promise.all(commands.map((command) => stage.run(["hooks", "trust", command])));
    expect(runs.map(({ code }) => code)).toEqual(commands.map(() => 0));
    const listed = JSON.parse((await stage.run(["hooks", "list", "--json"])).stdout) as Record<string, string>[];
    expect(listed.filter((hook) => hook.trust !== "trusted")).toEqual([]);
    expect(listed).toHaveLength(12);
  }, 60_000);

  test("run without approval when the command line says so", async () => {
    const { stage, mark } = await projectHook({ trusted: true });
    await using _ = stage;
    const run = await stage.run(["exec", "--dangerously-bypass-hook-trust", "go"]);
    expect(run.stderr).toContain("warning: 1 hook of this project runs without your approval");
    expect(existsSync(mark)).toBe(true);
  }, 60_000);
});

describe("codex hooks", () => {
  test("lists every hook with what it runs whole, and hides nothing in it", async () => {
    await using stage = await hookStage({ responses: [], toml: "" });
    const long = `echo ${"x".repeat(300)}; touch evil`;
    const file = stage.home.write(
      ".codex/hooks.json",
      hooksJson({
        PreToolUse: [{ matcher: "Bash", command: "a\nb\u202ec\u001b[2K" }, { command: long }],
        Stop: [{ type: "mcp_tool", server: "s", tool: "t" }],
      }),
    );
    const run = await stage.run(["hooks", "list"]);
    const rows = run.stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split(/ {2,}/));
    expect(rows).toEqual([
      ["Hash", "Event", "Matcher", "Trust", "File", "Command"],
      [expect.stringMatching(/^[0-9a-f]{12}$/), "PreToolUse", "Bash", "yours", file, "a\\u{a}b\\u{202e}c\\u{1b}[2K"],
      [expect.any(String), "PreToolUse", "*", "yours", file, long],
      [expect.any(String), "Stop", "*", "yours", file, "s.t"],
    ]);
  }, 60_000);

  test("shows what is invisible, and how many blanks there are, also in the warning", async () => {
    const { stage, write } = await projectHook({ trusted: true });
    await using _ = stage;
    write(`true \u3164\u115f\ufe0f\u00ad\u{e0041}\u00a0\u2800\u200b漢é${" ".repeat(300)}; touch evil`);
    const shown =
      "true \\u{3164}\\u{115f}\\u{fe0f}\\u{ad}\\u{e0041}\\u{a0}\\u{2800}\\u{200b}漢é\\u{20}×300; touch evil";
    expect((await stage.run(["hooks", "list"])).stdout).toContain(`${shown}\n`);
    expect((await stage.run(GO)).stderr).toContain(`warning: Skipped the hook "${shown}" for SessionStart`);
  }, 60_000);

  test("lets no escape sequence of a project reach the terminal", async () => {
    const { stage } = await projectHook({ trusted: true });
    await using _ = stage;
    const [red, flip] = ["\u001b[31m", "\u202e"];
    const write = (hooks: unknown) => stage.home.write("project/.codex/hooks.json", JSON.stringify({ hooks }));
    const isClean = ({ stdout, stderr }: { stdout: string; stderr: string }) =>
      !new RegExp(`[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f${flip}]`).test(stdout + stderr);
    write({ PreToolUse: [{ matcher: `[${red}${flip}`, hooks: [] }] });
    for (const args of [["hooks", "list"], GO]) {
      const run = await stage.run(args);
      expect([run.code, run.stderr.includes("is no regular expression"), isClean(run)]).toEqual([1, true, true]);
    }
    write({
      [`Odd${red}${flip}Event`]: [{ hooks: [] }],
      Stop: [{ hooks: [{ type: `odd${red}${flip}type`, command: "x" }] }],
      PreToolUse: [{ matcher: `exec\u001b, ${flip}x`, hooks: [{ type: "command", command: `y${red}${flip}` }] }],
    });
    for (const args of [["hooks", "list"], ["hooks", "trust", "--all"], GO, ["hooks", "untrust", "--all"], GO]) {
      const run = await stage.run(args);
      expect([run.code, isClean(run)]).toEqual([0, true]);
    }
    expect((await stage.run(["hooks", "list"])).stderr).toMatch(/^warning: .*Odd.*Event/m);
    const unknown = await stage.run(["hooks", "trust", `${red}x`]);
    expect([unknown.code, unknown.stderr.includes('is called "x"'), isClean(unknown)]).toEqual([1, true, true]);
  }, 60_000);

  test("refuses names that are no hook's, and approvals of what is your own", async () => {
    await using stage = await hookStage({ responses: [], hooks: { Stop: [{ command: "mine" }] } });
    const nobody = await stage.run(["hooks", "trust", "nobody"]);
    expect([nobody.code, nobody.stderr]).toEqual([
      1,
      expect.stringContaining('No hook of this folder is called "nobody"'),
    ]);
    const own = await stage.run(["hooks", "trust", "mine"]);
    expect([own.code, own.stderr]).toEqual([1, expect.stringContaining("is your own: it needs no approval")]);
    expect((await stage.run(["hooks", "trust"])).code).toBe(2);
    expect((await stage.run(["hooks", "trust", "mine", "--all"])).code).toBe(2);
  }, 60_000);
});
