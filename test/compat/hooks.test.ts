import { expect } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answer, assistantText, completed, created, functionCall, sse } from "../support/model-script.ts";
import { isGone } from "../support/processes.ts";
import { requirement } from "./cite.ts";
import type { RequirementId } from "./requirements.ts";
import { outputOf, type Played, type Scene, textOf, useStage } from "./stage.ts";

const stage = useStage();
const NONE = "the release has no hooks but notify";

type Handler = Record<string, unknown> & { matcher?: string };

const say = (text: string) => answer(assistantText(text));
const shell = (cmd: string) => answer(functionCall("exec_command", { cmd, login: false }));
/** A hook that adds what it is told to the file `heard` of the home. */
const HEAR = { command: 'input=$(cat); printf "%s\\n" "$input" >> "$HOME/heard"' };
const refusing = (reason: string) => ({ command: `echo '${reason}' >&2; exit 2` });
const printing = (output: unknown) => ({ command: `printf '%s' '${JSON.stringify(output)}'` });

/** The text of a hooks.json. */
function hooksJson(hooks: Record<string, readonly Handler[]>): string {
  const groups = Object.entries(hooks).map(([event, handlers]) => [
    event,
    handlers.map(({ matcher, ...handler }) => ({ matcher, hooks: [{ type: "command", ...handler }] })),
  ]);
  return JSON.stringify({ hooks: Object.fromEntries(groups) });
}

/** One run with these hooks of the user, in which nothing is confined. */
async function played(hooks: Record<string, readonly Handler[]>, scene: Scene): Promise<Played> {
  const world = await stage.world({ config: 'sandbox_mode = "danger-full-access"\n', ...scene, checkRequests: false });
  writeFileSync(join(world.codexHome, "hooks.json"), hooksJson(hooks));
  const run = await world.run({ ...scene, timeoutMs: 25_000 });
  return { ...run, world, requests: world.server.requests };
}

function heard({ world }: Played): Record<string, unknown>[] {
  const file = join(world.home, "heard");
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

function developerTexts({ requests }: Played, index = 0): string[] {
  const input = requests[index]?.body.input ?? [];
  return input.filter(({ role }) => role === "developer").map(textOf);
}

/** All of these differ from the release, which runs no hooks. */
function hooked(ids: readonly RequirementId[], name: string, body: () => Promise<void>): void {
  requirement(ids, name, body, { differs: NONE });
}

hooked(["hooks.prompt.block"], "a prompt that a hook blocks", async () => {
  const run = await played({ UserPromptSubmit: [refusing("no secrets")] }, { responses: [] });
  expect([run.code, run.requests.length]).toEqual([1, 0]);
  expect(run.events.at(-1)).toMatchObject({
    type: "turn.failed",
    error: { message: expect.stringContaining("no secrets") },
  });
});

hooked(["hooks.prompt.context", "hooks.session-start.context"], "what hooks add for the model", async () => {
  const specific = { hookEventName: "SessionStart", additionalContext: "from the start" };
  const hooks = {
    SessionStart: [printing({ hookSpecificOutput: specific })],
    UserPromptSubmit: [{ command: "echo plain text" }],
  };
  const texts = developerTexts(await played(hooks, { responses: [say("ok")] }));
  expect(texts).toContain("from the start");
  expect(texts).toContain("plain text");
});

hooked(
  [
    "hooks.input.common",
    "hooks.pre-tool.input",
    "hooks.post-tool.input",
    "hooks.stop.input",
    "hooks.session-end.input",
  ],
  "what hooks are told of a run",
  async () => {
    const events = ["SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "SessionEnd"];
    const hooks = Object.fromEntries(events.map((event) => [event, [HEAR]]));
    const run = await played(hooks, { responses: [shell("echo hi"), say("done")] });
    const common = {
      session_id: run.events[0]?.thread_id,
      transcript_path: run.world.rolloutPaths()[0],
      cwd: run.world.cwd,
    };
    const turn = {
      ...common,
      model: "gpt-5.2-codex",
      turn_id: expect.any(String),
      permission_mode: "bypassPermissions",
    };
    const call = { tool_name: "Bash", tool_input: { command: "echo hi", login: false }, tool_use_id: "call_1" };
    const { turn_id: _, ...start } = turn;
    expect(heard(run)).toEqual([
      expect.objectContaining({ ...start, hook_event_name: "SessionStart", source: "startup" }),
      { ...turn, hook_event_name: "UserPromptSubmit", prompt: "go" },
      { ...turn, hook_event_name: "PreToolUse", ...call },
      { ...turn, hook_event_name: "PostToolUse", ...call, tool_response: "hi\n" },
      { ...turn, hook_event_name: "Stop", stop_hook_active: false, last_assistant_message: "done" },
      { ...common, hook_event_name: "SessionEnd", reason: "other" },
    ]);
    expect(new Set(heard(run).flatMap(({ turn_id }) => (turn_id === undefined ? [] : [turn_id]))).size).toBe(1);
  },
);

hooked(["hooks.pre-tool.block", "hooks.matcher"], "a call that a hook blocks", async () => {
  const hooks = {
    PreToolUse: [
      { matcher: "Bash", ...refusing("not that") },
      { matcher: "apply_patch", command: 'touch "$HOME/other"' },
    ],
  };
  const run = await played(hooks, { responses: [shell("touch made"), say("ok")] });
  expect(run.code).toBe(0);
  expect(existsSync(join(run.world.cwd, "made"))).toBeFalse();
  expect(outputOf(run)).toContain("not that");
  expect(existsSync(join(run.world.home, "other"))).toBeFalse();
});

const deciding = (more: Record<string, unknown>) =>
  printing({ hookSpecificOutput: { hookEventName: "PreToolUse", ...more } });

hooked(["hooks.pre-tool.deny", "hooks.pre-tool.updated-input"], "what JSON of PreToolUse does", async () => {
  const deny = deciding({ permissionDecision: "deny", permissionDecisionReason: "the JSON says no" });
  const denied = await played({ PreToolUse: [deny] }, { responses: [shell("touch made"), say("ok")] });
  expect(outputOf(denied)).toContain("the JSON says no");
  expect(existsSync(join(denied.world.cwd, "made"))).toBeFalse();
  const other = deciding({ permissionDecision: "allow", updatedInput: { command: "touch other" } });
  const changed = await played({ PreToolUse: [other] }, { responses: [shell("touch made"), say("ok")] });
  expect([existsSync(join(changed.world.cwd, "made")), existsSync(join(changed.world.cwd, "other"))]).toEqual([
    false,
    true,
  ]);
});

hooked(["hooks.post-tool.block"], "an output that a hook keeps from the model", async () => {
  const hooks = { PostToolUse: [printing({ decision: "block", reason: "withheld" })] };
  const run = await played(hooks, { responses: [shell("echo SECRET"), say("ok")] });
  expect(outputOf(run)).toContain("withheld");
  expect(outputOf(run)).not.toContain("SECRET");
});

hooked(["hooks.stop.goes-on", "hooks.stop.active"], "a hook that does not let the model stop", async () => {
  const stop = { command: "grep -q '\"stop_hook_active\":true' || { echo 'run the tests' >&2; exit 2; }" };
  const run = await played({ Stop: [stop, HEAR] }, { responses: [say("done"), say("tested")] });
  expect(run.code).toBe(0);
  expect(textOf(run.requests[1]?.body.input.at(-1))).toBe("run the tests");
  expect(heard(run).map(({ stop_hook_active }) => stop_hook_active)).toEqual([false, true]);
});

hooked(["hooks.compact.block", "hooks.compact.trigger"], "a compaction that a hook blocks", async () => {
  const full = sse([created(), ...functionCall("exec_command", { cmd: "true" }), completed({ input_tokens: 6000 })]);
  const config = 'sandbox_mode = "danger-full-access"\nmodel_auto_compact_token_limit = 5000\n';
  const hooks = { PreCompact: [HEAR, refusing("keep it all")] };
  const run = await played(hooks, { config, responses: [full] });
  expect([run.code, run.requests.length]).toEqual([1, 1]);
  expect(run.events.at(-1)).toMatchObject({ error: { message: expect.stringContaining("keep it all") } });
  expect(heard(run)).toMatchObject([{ hook_event_name: "PreCompact", trigger: "auto" }]);
});

hooked(["hooks.failure.ignored", "hooks.failure.guard"], "hooks that fail", async () => {
  const crash = { command: "echo broken >&2; exit 7" };
  const told = await played({ Stop: [crash], SessionStart: [crash] }, { responses: [say("ok")], json: false });
  expect([told.code, told.stdout]).toEqual([0, "ok\n"]);
  expect(told.stderr).toContain("broken");
  const guard = await played({ PreToolUse: [crash] }, { responses: [shell("touch made"), say("ok")] });
  expect(existsSync(join(guard.world.cwd, "made"))).toBeFalse();
  const lenient = { ...crash, on_error: "ignore" };
  const letBy = await played({ PreToolUse: [lenient] }, { responses: [shell("touch made"), say("ok")] });
  expect(existsSync(join(letBy.world.cwd, "made"))).toBeTrue();
  expect(letBy.stderr + letBy.stdout).toContain("broken");
});

hooked(["hooks.timeout"], "a hook that hangs is ended after its timeout", async () => {
  const hang = { command: 'sleep 600 & echo $! > "$HOME/pid"; wait', timeout: 1, on_error: "ignore" };
  const run = await played({ PreToolUse: [hang] }, { responses: [shell("touch made"), say("ok")] });
  expect(run.code).toBe(0);
  expect(existsSync(join(run.world.cwd, "made"))).toBeTrue();
  const pid = Number(readFileSync(join(run.world.home, "pid"), "utf8"));
  expect(await isGone(pid)).toBeTrue();
});

hooked(["hooks.concurrent"], "hooks of one event run at the same time", async () => {
  const meet = (own: string, other: string) => ({
    command: `touch "$HOME/${own}"; n=0; while [ ! -e "$HOME/${other}" ]; do n=$((n+1)); [ $n -gt 200 ] && exit 2; sleep 0.05; done`,
  });
  const run = await played({ UserPromptSubmit: [meet("a", "b"), meet("b", "a")] }, { responses: [say("ok")] });
  expect([run.code, existsSync(join(run.world.home, "a"))]).toEqual([0, true]);
});

hooked(["hooks.toml"], "hooks of config.toml", async () => {
  const tables = `[[hooks.Stop]]\nhooks = [{ type = "command", command = ${JSON.stringify(HEAR.command)} }]\n`;
  const run = await played({}, { tables, responses: [say("ok")] });
  expect(heard(run)).toMatchObject([{ hook_event_name: "Stop" }]);
});

hooked(
  ["hooks.trust.new", "hooks.trust.approved", "hooks.trust.bypass", "hooks.trust.changed"],
  "a project's hooks",
  async () => {
    const world = await stage.world({ responses: () => say("ok"), checkRequests: false });
    const config = join(world.codexHome, "config.toml");
    const trusted = `[projects.${JSON.stringify(world.cwd)}]\ntrust_level = "trusted"\n`;
    writeFileSync(config, `${readFileSync(config, "utf8")}\n${trusted}`);
    mkdirSync(join(world.cwd, ".codex"));
    const bring = (name: string) => {
      const command = `touch "$HOME/${name}"`;
      writeFileSync(join(world.cwd, ".codex/hooks.json"), hooksJson({ SessionStart: [{ command }] }));
    };
    const has = (name: string) => existsSync(join(world.home, name));
    bring("one");
    const skipped = await world.run({ json: false });
    expect([skipped.code, has("one")]).toEqual([0, false]);
    expect(skipped.stderr).toContain("codex hooks trust");
    await world.run({ args: ["--dangerously-bypass-hook-trust"] });
    expect(has("one")).toBeTrue();
    bring("two");
    expect((await world.run({ argv: ["hooks", "trust", "--all"] })).code).toBe(0);
    await world.run({});
    expect(has("two")).toBeTrue();
    bring("three");
    const changed = await world.run({ json: false });
    expect(has("three")).toBeFalse();
    expect(changed.stderr).toContain("changed");
  },
);
