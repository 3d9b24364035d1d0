import { expect } from "bun:test";
import { statSync } from "node:fs";
import { basename, relative } from "node:path";
import {
  answer,
  assistantText,
  completed,
  customToolCall,
  functionCall,
  localShellCall,
  reasoning,
  sse,
  status,
  webSearchCall,
} from "../support/model-script.ts";
import { requirement } from "./cite.ts";
import { git, type Played, type RolloutLine, textOf, useStage } from "./stage.ts";

const stage = useStage();
const usage = { input_tokens: 100, cached_input_tokens: 40, output_tokens: 20, reasoning_output_tokens: 5 };

const oneRound = stage.shared({
  prompt: "hello",
  git: false,
  args: ["--skip-git-repo-check"],
  responses: [
    sse([
      ...reasoning(["thought"]),
      ...assistantText("Working.", { phase: "commentary" }),
      ...functionCall("exec_command", { cmd: "true" }),
      completed(usage),
    ]),
    sse([...assistantText("All done."), completed(usage)]),
  ],
});

const otherTools = stage.shared({
  args: ["-s", "workspace-write"],
  responses: [
    answer(
      customToolCall("apply_patch", "*** Begin Patch\n*** Add File: x\n+x\n*** End Patch", "c1"),
      localShellCall(["/bin/true"], "l1"),
      functionCall("update_plan", { plan: [{ step: "A", status: "pending" }] }, "u1"),
      webSearchCall({ type: "search", query: "cats" }),
    ),
    answer(assistantText("done")),
  ],
});

const rejected = stage.shared({ responses: [status(400, "no")] });

function lines(played: Played, type: string, kind?: string): Record<string, unknown>[] {
  const found = played.world.rollout().filter((line) => line.type === type);
  return found.map(({ payload }) => payload).filter((payload) => kind === undefined || payload.type === kind);
}

function label({ type, payload }: RolloutLine): string {
  const role = payload.role === undefined ? "" : `:${String(payload.role)}`;
  return `${payload.type === undefined ? type : `${type}/${String(payload.type)}`}${role}`;
}

requirement(["exec.rollout.path", "exec.rollout.mode"], "the file", async () => {
  const { world, events } = await oneRound();
  const [path = ""] = world.rolloutPaths();
  const inside = relative(world.codexHome, path);
  expect(inside).toMatch(/^sessions\/\d{4}\/\d\d\/\d\d\/rollout-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-[0-9a-f-]{36}\.jsonl$/);
  expect(inside).toEndWith(`-${String(events[0]?.thread_id)}.jsonl`);
  const day = /rollout-(\d{4})-(\d\d)-(\d\d)T/.exec(inside)?.slice(1).join("/");
  expect(inside).toStartWith(`sessions/${day}/`);
  expect(statSync(path).mode & 0o777).toBe(0o644);
});

requirement(["exec.rollout.local-time"], "local time", async () => {
  const hourOf = async (zone: string) => {
    const played = await stage.play({ env: { TZ: zone } });
    const [path = ""] = played.world.rolloutPaths();
    const [meta] = played.world.rollout();
    const utc = Number(String(meta?.timestamp).slice(11, 13));
    const local = Number(/T(\d\d)-/.exec(basename(path))?.[1]);
    return (((local - utc) % 24) + 24) % 24;
  };
  expect(await hourOf("UTC")).toBe(0);
  expect(await hourOf("Asia/Tokyo")).toBe(9);
});

requirement(["exec.rollout.line"], "a line", async () => {
  const all = (await oneRound()).world.rollout();
  for (const line of all) {
    expect(Object.keys(line)).toEqual(["timestamp", "type", "payload"]);
    expect(line.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  }
  expect(all.length).toBeGreaterThan(20);
});

requirement(["exec.rollout.sequence"], "the order of the lines", async () => {
  const labels = (await oneRound()).world.rollout().filter((line) => !textOf(line.payload).startsWith("# AGENTS.md"));
  expect(labels.map(label)).toEqual([
    "session_meta",
    "response_item/message:developer",
    "response_item/message:user",
    "event_msg/task_started",
    "response_item/message:user",
    "event_msg/user_message",
    "turn_context",
    "event_msg/token_count",
    "event_msg/agent_reasoning",
    "response_item/reasoning",
    "event_msg/agent_message",
    "response_item/message:assistant",
    "response_item/function_call",
    "event_msg/token_count",
    "response_item/function_call_output",
    "turn_context",
    "event_msg/token_count",
    "event_msg/agent_message",
    "response_item/message:assistant",
    "event_msg/token_count",
    "event_msg/task_complete",
  ]);
});

requirement(
  ["exec.rollout.session-meta", "exec.rollout.session-meta-instructions", "exec.rollout.session-meta-no-git"],
  "session_meta",
  async () => {
    const played = await oneRound();
    const [meta] = lines(played, "session_meta");
    expect(meta).toEqual({
      id: String(played.events[0]?.thread_id),
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      cwd: played.world.cwd,
      originator: "codex_exec",
      cli_version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      source: "exec",
      model_provider: "mock",
      base_instructions: { text: played.requests[0]?.body.instructions },
    });
  },
);

requirement(["exec.rollout.session-meta-git"], "session_meta.git", async () => {
  const world = await stage.world({ files: { a: "a" } });
  git(world.cwd, "add", ".");
  git(world.cwd, "commit", "-qm", "first");
  await world.run({});
  const [meta] = world.rollout();
  expect(meta?.payload.git).toMatchObject({ commit_hash: git(world.cwd, "rev-parse", "HEAD"), branch: "main" });
});

requirement(["exec.rollout.turn-context", "exec.rollout.turn-context-truncation"], "turn_context", async () => {
  const played = await oneRound();
  expect(lines(played, "turn_context")[0]).toMatchObject({
    cwd: played.world.cwd,
    approval_policy: "never",
    sandbox_policy: { type: "read-only" },
    model: "gpt-5.2-codex",
    summary: "auto",
    truncation_policy: { mode: "tokens", limit: 10000 },
  });
});

requirement(["exec.rollout.turn-context-instructions"], "instructions in turn_context", async () => {
  const schema = { type: "object" };
  const played = await stage.play({
    config: 'developer_instructions = "DEV"',
    args: ["--output-schema", "schema.json"],
    files: { "AGENTS.md": "DOCS", "schema.json": JSON.stringify(schema) },
  });
  expect(lines(played, "turn_context")[0]).toMatchObject({
    user_instructions: expect.stringMatching(/^DOCS/),
    developer_instructions: "DEV",
    final_output_json_schema: schema,
  });
});

requirement(["exec.rollout.turn-context-per-request"], "one turn_context per request", async () => {
  const played = await oneRound();
  expect(played.requests).toHaveLength(2);
  expect(lines(played, "turn_context")).toHaveLength(2);
});

requirement(
  ["exec.rollout.sandbox-read-only", "exec.rollout.sandbox-workspace", "exec.rollout.sandbox-full"],
  "sandbox policies",
  async () => {
    const policy = async (mode: string) => {
      const played = await stage.play({ args: ["-s", mode] });
      return lines(played, "turn_context")[0]?.sandbox_policy;
    };
    expect(await policy("read-only")).toEqual({ type: "read-only" });
    expect(await policy("workspace-write")).toEqual({
      type: "workspace-write",
      network_access: false,
      exclude_tmpdir_env_var: false,
      exclude_slash_tmp: false,
    });
    expect(await policy("danger-full-access")).toEqual({ type: "danger-full-access" });
  },
);

requirement(["exec.rollout.task-started", "exec.rollout.task-complete"], "the ends of a turn", async () => {
  const played = await oneRound();
  const [started] = lines(played, "event_msg", "task_started");
  expect(started).toMatchObject({ turn_id: expect.any(String), model_context_window: 258400 });
  expect(lines(played, "event_msg", "task_complete")).toEqual([
    { type: "task_complete", turn_id: started?.turn_id, last_agent_message: "All done." },
  ]);
});

requirement(["exec.rollout.task-complete-failure"], "the end of a failed turn", async () => {
  expect(lines(await rejected(), "event_msg", "task_complete")).toMatchObject([{ last_agent_message: null }]);
});

requirement(
  ["exec.rollout.user-message", "exec.rollout.agent-message", "exec.rollout.agent-reasoning"],
  "messages as events",
  async () => {
    const played = await oneRound();
    expect(lines(played, "event_msg", "user_message")).toEqual([
      { type: "user_message", message: "hello", images: [], local_images: [], text_elements: [] },
    ]);
    expect(lines(played, "event_msg", "agent_message")).toEqual([
      { type: "agent_message", message: "Working." },
      { type: "agent_message", message: "All done." },
    ]);
    expect(lines(played, "event_msg", "agent_reasoning")).toEqual([{ type: "agent_reasoning", text: "thought" }]);
  },
);

requirement(["exec.rollout.token-count", "exec.rollout.token-count-null"], "token counts", async () => {
  const counts = lines(await oneRound(), "event_msg", "token_count");
  expect(counts[0]).toMatchObject({ info: null });
  const twice = {
    input_tokens: 200,
    cached_input_tokens: 80,
    output_tokens: 40,
    reasoning_output_tokens: 10,
    total_tokens: 240,
  };
  expect(counts.at(-1)?.info).toEqual({
    total_token_usage: twice,
    last_token_usage: { ...usage, total_tokens: 120 },
    model_context_window: 258400,
  });
});

requirement(["exec.rollout.message-phase", "exec.rollout.reasoning"], "items of the model", async () => {
  const played = await oneRound();
  const messages = lines(played, "response_item", "message").filter(({ role }) => role === "assistant");
  expect(messages[0]).toMatchObject({ phase: "commentary", content: [{ type: "output_text", text: "Working." }] });
  expect(messages[1]).not.toHaveProperty("phase");
  expect(lines(played, "response_item", "reasoning")).toMatchObject([
    { summary: [{ type: "summary_text", text: "thought" }], encrypted_content: "ENCRYPTED" },
  ]);
});

requirement(["exec.rollout.function-call"], "a call and its output", async () => {
  const played = await oneRound();
  expect(lines(played, "response_item", "function_call")).toMatchObject([
    { name: "exec_command", arguments: '{"cmd":"true"}', call_id: "call_1" },
  ]);
  const [output] = lines(played, "response_item", "function_call_output");
  expect(output).toMatchObject({ call_id: "call_1", output: expect.stringContaining("Process exited with code 0") });
});

requirement(
  ["exec.rollout.custom-tool-call", "exec.rollout.web-search", "exec.rollout.local-shell"],
  "other items",
  async () => {
    const played = await otherTools();
    expect(lines(played, "response_item", "custom_tool_call")).toMatchObject([
      { status: "completed", call_id: "c1", name: "apply_patch" },
    ]);
    expect(lines(played, "response_item", "custom_tool_call_output")).toMatchObject([{ call_id: "c1" }]);
    expect(lines(played, "response_item", "web_search_call")).toMatchObject([
      { status: "completed", action: { type: "search", query: "cats" } },
    ]);
    expect(lines(played, "response_item", "local_shell_call")).toMatchObject([
      { call_id: "l1", status: "completed", action: { type: "exec", command: ["/bin/true"] } },
    ]);
  },
);

requirement(["exec.rollout.not-persisted"], "what is not kept", async () => {
  const kinds = async (scene: typeof rejected) =>
    new Set(
      (await scene()).world
        .rollout()
        .filter(({ type }) => type === "event_msg")
        .map(label),
    );
  expect([...(await kinds(otherTools))].sort()).toEqual([
    "event_msg/agent_message",
    "event_msg/task_complete",
    "event_msg/task_started",
    "event_msg/token_count",
    "event_msg/user_message",
  ]);
  expect([...(await kinds(rejected))]).not.toContain("event_msg/error");
});
