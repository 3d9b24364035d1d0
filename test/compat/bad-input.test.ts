import { expect } from "bun:test";
import { chmodSync, constants, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  answer,
  assistantText,
  customToolCall,
  functionCall,
  itemDone,
  rawChunks,
  sse,
} from "../support/model-script.ts";
import { isGone } from "../support/processes.ts";
import { cliBinary } from "../support/spawn-cli.ts";
import { requirement } from "./cite.ts";
import { completedItems, listFiles, outputOf, type Scene, textOf, useStage } from "./stage.ts";

const stage = useStage();
const run = (args: Record<string, unknown>, id?: string) => functionCall("exec_command", args, id);

/** Config that is wrong in one place: a plain error, no request, nothing on stdout. */
async function refusedConfig(scene: Scene): Promise<string> {
  const played = await stage.play(scene);
  expect({ code: played.code, stdout: played.stdout }).toEqual({ code: 1, stdout: "" });
  expect(played.requests).toEqual([]);
  expect(played.stderr).not.toMatch(/panicked|at .*\.ts:\d+|\n\s+at /);
  return played.stderr;
}

requirement(["exec.bad.config-types"], "config values of wrong types", async () => {
  expect(await refusedConfig({ config: "model_reasoning_effort = 7" })).toContain("model_reasoning_effort");
  expect(await refusedConfig({ config: 'project_doc_max_bytes = "many"' })).toContain("project_doc_max_bytes");
  expect(await refusedConfig({ tables: "[shell_environment_policy]\nexclude = 1" })).toContain("exclude");
});

requirement(["exec.bad.config-directory"], "a directory in place of config.toml", async () => {
  const world = await stage.world({});
  const config = join(world.codexHome, "config.toml");
  const folder = join(world.root, "other-home");
  mkdirSync(join(folder, "config.toml"), { recursive: true });
  const result = await world.run({ env: { CODEX_HOME: folder } });
  expect(result.code).toBe(1);
  expect(result.stdout).toBe("");
  expect(result.stderr).toContain("config.toml");
  expect(existsSync(config)).toBe(true);
});

requirement(["exec.bad.config-unknown-keys"], "unknown config keys", async () => {
  const played = await stage.play({ config: "no_such_key = 1", tables: "[no_such_table]\na = 1" });
  expect(played.code).toBe(0);
  expect(played.events.at(-1)?.type).toBe("turn.completed");
});

requirement(
  ["exec.bad.config-unknown-key-warning"],
  "one warning for an unknown key",
  async () => {
    const played = await stage.play({ config: "no_such_key = 1" });
    expect(played.stderr).toContain("no_such_key");
    expect(played.stdout).not.toContain("no_such_key");
  },
  { differs: "the release says nothing" },
);

requirement(
  ["exec.bad.config-strict"],
  "--strict-config",
  async () => {
    const played = await stage.play({ config: "no_such_key = 1", args: ["--strict-config"] });
    expect(played.code).toBe(1);
    expect(played.stderr).toContain("no_such_key");
  },
  { differs: "the release has no such option" },
);

requirement(["exec.bad.tool-calls"], "a turn of bad calls", async () => {
  const played = await stage.play({
    responses: [
      answer(
        functionCall("exec_command", "[1,2]", "array"),
        functionCall("exec_command", "null", "null"),
        functionCall("exec_command", "", "empty"),
        functionCall("exec_command", { cmd: 5 }, "type"),
        functionCall("", "{}", "noname"),
        customToolCall("exec_command", "ls", "customized"),
        functionCall("write_stdin", { session_id: "x" }, "string"),
        functionCall("update_plan", { plan: "no" }, "plan"),
        functionCall("view_image", {}, "image"),
      ),
      answer(assistantText("done")),
    ],
  });
  expect(played.code).toBe(0);
  for (const id of ["array", "null", "empty", "type", "string", "plan", "image"]) {
    expect(outputOf(played, id)).toStartWith("failed to parse function arguments");
  }
  expect(completedItems(played, "command_execution")).toEqual([]);
});

requirement(["exec.bad.malformed-items"], "malformed items", async () => {
  const odd = [
    itemDone({ type: "message" }),
    itemDone({ type: "function_call", name: "exec_command" }),
    itemDone({}),
    { type: "response.output_item.done" },
    { type: "response.output_text.delta" },
  ];
  const played = await stage.play({
    responses: [sse([...odd, ...assistantText("done"), { type: "response.completed", response: { id: "r" } }])],
  });
  expect(completedItems(played, "agent_message").at(-1)?.text).toBe("done");
  expect(played.code).toBe(0);
});

requirement(["exec.bad.empty-body"], "an empty answer", async () => {
  const played = await stage.play({ responses: [rawChunks([""])] });
  expect(played.code).toBe(1);
  expect(played.events.at(-1)?.type).toBe("turn.failed");
});

requirement(["exec.bad.ignores-sigterm"], "a command that ignores SIGTERM", async () => {
  const cmd = "trap '' TERM; echo $$ > pid; while :; do sleep 0.05; done";
  const played = await stage.play({
    args: ["-s", "danger-full-access"],
    responses: [
      answer(functionCall("shell", { command: ["bash", "-c", cmd], timeout_ms: 400 })),
      answer(assistantText("done")),
    ],
  });
  expect(outputOf(played)).toContain("Exit code: 124");
  expect(await isGone(Number(played.world.read("pid")))).toBe(true);
});

requirement(
  ["exec.bad.daemon"],
  "a command that leaves a process behind",
  async () => {
    const cmd = "(sleep 300 & echo $! > pid) ; echo started";
    const played = await stage.play({
      args: ["-s", "danger-full-access"],
      responses: [
        answer(functionCall("shell", { command: ["bash", "-c", cmd], timeout_ms: 2000 })),
        answer(assistantText("done")),
      ],
      timeoutMs: 15_000,
    });
    expect(outputOf(played)).toContain("started");
    expect(played.code).toBe(0);
    expect(played.elapsedMs).toBeLessThan(10_000);
    const pid = Number(played.world.read("pid"));
    if (!(await isGone(pid))) process.kill(pid, "SIGKILL");
  },
  { differs: "the release waits and then loses the output" },
);

requirement(
  ["exec.bad.flood"],
  "a command that floods",
  async () => {
    const played = await stage.play({
      responses: [
        answer(run({ cmd: "head -c 1000000000 /dev/zero | tr '\\0' 'x'", yield_time_ms: 30_000 })),
        answer(assistantText("done")),
      ],
      timeoutMs: 60_000,
    });
    expect(outputOf(played)).toContain("Process exited with code 0");
    expect(Buffer.byteLength(outputOf(played))).toBeLessThan(45_000);
    expect(Buffer.byteLength(played.stdout)).toBeLessThan(1_100_000);
    expect(played.code).toBe(0);
  },
  { timeoutMs: 90_000 },
);

requirement(["exec.home.two-processes"], "two runs on one home", async () => {
  const world = await stage.world({ responses: () => answer(assistantText("fine")) });
  const runs = await Promise.all([world.run({ prompt: "one" }), world.run({ prompt: "two" })]);
  expect(runs.map(({ code }) => code)).toEqual([0, 0]);
  const ids = runs.map(({ events }) => String(events[0]?.thread_id));
  expect(
    world
      .rolloutPaths()
      .map((path) => ids.findIndex((id) => path.includes(id)))
      .sort(),
  ).toEqual([0, 1]);
  const prompts = world.server.requests.map(({ body }) => textOf(body.input.at(-1))).sort();
  expect(prompts).toEqual(["one", "two"]);
});

requirement(["exec.home.shell-snapshots-empty"], "what stays in the home", async () => {
  const played = await stage.play({ responses: [answer(run({ cmd: "true" })), answer(assistantText("done"))] });
  expect(listFiles(join(played.world.codexHome, "shell_snapshots"))).toEqual([]);
  expect(played.code).toBe(0);
});

requirement(
  ["exec.home.read-only"],
  "a home that cannot be written",
  async () => {
    const world = await stage.world({});
    // Root ignores file modes, so a file stands where the folder must be made.
    writeFileSync(join(world.codexHome, "sessions"), "not a folder");
    chmodSync(join(world.codexHome, "sessions"), 0o444);
    const result = await world.run({});
    expect(result.timedOut).toBe(false);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain("sessions");
    expect(readFileSync(join(world.codexHome, "sessions"), "utf8")).toBe("not a folder");
    expect(world.server.requests).toEqual([]);
  },
  { differs: "the release goes on and loses the session" },
);

requirement(
  ["exec.home.read-only"],
  "a home in which nothing may be made",
  async () => {
    const world = await stage.world({});
    chmodSync(world.root, 0o755);
    chmodSync(world.codexHome, 0o555);
    // Root may write anywhere, so it becomes somebody else, who may not see into every folder.
    const program = join(world.root, "codex");
    copyFileSync(cliBinary(), program, constants.COPYFILE_FICLONE);
    const somebody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    const child = Bun.spawn([...(process.getuid?.() === 0 ? somebody : []), program, "exec", "go"], {
      cwd: world.cwd,
      env: { PATH: Bun.env.PATH, HOME: world.home, MOCK_KEY: "sk-mock" },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    expect([await child.exited, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(`Cannot create the session file "${world.codexHome}/sessions/`);
    expect(stderr).toContain("Permission denied");
    expect(world.server.requests).toEqual([]);
    chmodSync(world.codexHome, 0o755);
  },
  { differs: "the release goes on and loses the session" },
);

requirement(["exec.bad.missing-home"], "a CODEX_HOME that does not exist", async () => {
  const world = await stage.world({});
  const result = await world.run({ env: { CODEX_HOME: join(world.root, "absent") } });
  expect(result.code).toBe(1);
  expect(result.stderr).toContain("absent");
  expect(result.stdout).toBe("");
});

requirement(["exec.bad.foreign-rollouts"], "foreign files among the rollouts", async () => {
  const world = await stage.world({ responses: () => answer(assistantText("fine")) });
  await world.run({ prompt: "first" });
  const [path = ""] = world.rolloutPaths();
  const folder = join(path, "..");
  const name = (day: string, id: string) => join(folder, `rollout-2026-01-${day}T00-00-00-${id}.jsonl`);
  writeFileSync(join(folder, "notes.txt"), "hello");
  writeFileSync(name("01", "01a20600-1111-7222-8333-444444444441"), "");
  writeFileSync(name("02", "01a20600-1111-7222-8333-444444444442"), "garbage\n{broken\n");
  writeFileSync(join(folder, "rollout-broken.jsonl"), '{"type":"session_meta","payload":{}}\n');
  const result = await world.run({ args: ["resume", "--last"], prompt: "second" });
  expect(result.code).toBe(0);
  expect(world.server.requests.at(-1)?.body.input.map(textOf)).toContain("first");
});
