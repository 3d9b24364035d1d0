import { expect } from "bun:test";
import { fileURLToPath } from "node:url";
import type { CodexEvent } from "../support/mcp-client.ts";
import {
  answer,
  assistantText,
  completed,
  created,
  customToolCall,
  functionCall,
  rawChunks,
  reasoning,
  sse,
  webSearchCall,
} from "../support/model-script.ts";
import { requirement } from "./cite.ts";
import { type Connected, connect } from "./mcp-server-stage.ts";
import { type Scene, useStage } from "./stage.ts";

const stage = useStage();

/** Plays one call of `codex` and closes the server. */
async function played(scene: Scene, args: Record<string, unknown> = {}, id: number | string = 3): Promise<Connected> {
  await using at = await connect(stage, scene);
  await at.client.call("codex", { prompt: "do it", "approval-policy": "never", ...args }, id);
  return at;
}

/** What happened, one word an event; raw items by their kind. Deltas of output are left out: how many there are is chance. */
function order(events: readonly CodexEvent[]): string[] {
  return events.flatMap(({ msg }) => {
    const { type, item } = msg as { type: string; item?: { type: string } };
    if (type === "exec_command_output_delta" || type === "token_count") return [];
    return [item === undefined ? type : `${type} ${item.type}`];
  });
}

const ids = { thread_id: expect.any(String), turn_id: "3" };

requirement(
  [
    "mcp-server.events.meta",
    "mcp-server.events.turn-id",
    "mcp-server.events.order",
    "mcp-server.events.session-configured",
    "mcp-server.events.user-message",
    "mcp-server.events.reasoning",
    "mcp-server.events.agent-message",
  ],
  "a plain turn",
  async () => {
    const stream = [
      created(),
      ...reasoning(["**Think** deep", "second"]),
      ...assistantText("Hello there", { deltas: ["Hello ", "there"] }),
      completed({ input_tokens: 10, output_tokens: 5 }),
    ];
    const { client, world } = await played({ responses: [sse(stream)] });
    const events = client.events();
    const threadId = String((await client.event("session_configured")).msg.session_id);
    expect(new Set(events.map(({ _meta }) => JSON.stringify(_meta)))).toEqual(
      new Set([JSON.stringify({ requestId: 3, threadId })]),
    );
    const turn = events.slice(events.findIndex(({ msg }) => msg.type === "task_started"));
    expect(new Set(turn.map(({ id }) => id))).toEqual(new Set(["3"]));
    expect(events[0]?.id).toBe("");
    // When the model's items are known to be history differs: each at once, or all when the stream was whole.
    const raw = "raw_response_item message";
    expect(order(events).filter((word) => word !== raw && word !== "raw_response_item reasoning")).toEqual([
      "session_configured",
      "mcp_startup_complete",
      "task_started",
      "item_started UserMessage",
      "item_completed UserMessage",
      "user_message",
      "item_started Reasoning",
      "agent_reasoning_section_break",
      "reasoning_content_delta",
      "agent_reasoning_delta",
      "agent_reasoning_section_break",
      "reasoning_content_delta",
      "agent_reasoning_delta",
      "item_completed Reasoning",
      "agent_reasoning",
      "agent_reasoning",
      "item_started AgentMessage",
      "agent_message_content_delta",
      "agent_message_delta",
      "agent_message_content_delta",
      "agent_message_delta",
      "item_completed AgentMessage",
      "agent_message",
      "task_complete",
    ]);
    expect(events[0]?.msg).toEqual({
      type: "session_configured",
      session_id: threadId,
      model: "gpt-5.2-codex",
      model_provider_id: "mock",
      approval_policy: "never",
      sandbox_policy: { type: "read-only" },
      cwd: world.cwd,
      history_log_id: 0,
      history_entry_count: 0,
      rollout_path: world.rolloutPaths()[0],
    });
    expect(client.msgs("task_started")).toEqual([
      {
        type: "task_started",
        turn_id: "3",
        model_context_window: expect.any(Number),
        collaboration_mode_kind: "default",
      },
    ]);
    const userItem = {
      type: "UserMessage",
      id: expect.any(String),
      content: [{ type: "text", text: "do it", text_elements: [] }],
    };
    expect(client.msgs("item_started")[0]).toEqual({ type: "item_started", ...ids, item: userItem });
    expect(client.msgs("user_message")).toEqual([
      { type: "user_message", message: "do it", images: [], local_images: [], text_elements: [] },
    ]);
    expect(client.msgs("agent_reasoning_section_break")).toEqual([
      { type: "agent_reasoning_section_break", item_id: "rs_1", summary_index: 0 },
      { type: "agent_reasoning_section_break", item_id: "rs_1", summary_index: 1 },
    ]);
    expect(client.msgs("reasoning_content_delta")[1]).toEqual({
      type: "reasoning_content_delta",
      ...ids,
      item_id: "rs_1",
      delta: "second",
      summary_index: 1,
    });
    const thought = { type: "Reasoning", id: "rs_1", summary_text: ["**Think** deep", "second"], raw_content: [] };
    const said = { type: "AgentMessage", id: "msg_1", content: [{ type: "Text", text: "Hello there" }] };
    expect(client.msgs("item_completed").slice(1)).toEqual([
      { type: "item_completed", ...ids, item: thought },
      { type: "item_completed", ...ids, item: said },
    ]);
    expect(client.msgs("agent_message_content_delta")[0]).toEqual({
      type: "agent_message_content_delta",
      ...ids,
      item_id: "msg_1",
      delta: "Hello ",
    });
    expect(client.msgs("agent_message")).toEqual([{ type: "agent_message", message: "Hello there" }]);
    expect(client.msgs("raw_response_item").slice(-2)).toEqual([
      {
        type: "raw_response_item",
        item: {
          type: "reasoning",
          summary: [
            { type: "summary_text", text: "**Think** deep" },
            { type: "summary_text", text: "second" },
          ],
          content: null,
          encrypted_content: "ENCRYPTED",
        },
      },
      {
        type: "raw_response_item",
        item: { type: "message", role: "assistant", content: [{ type: "output_text", text: "Hello there" }] },
      },
    ]);
    expect(client.msgs("token_count").at(-1)).toMatchObject({
      info: { total_token_usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 } },
    });
    expect(client.msgs("task_complete")).toEqual([
      { type: "task_complete", turn_id: "3", last_agent_message: "Hello there" },
    ]);
  },
);

requirement(["mcp-server.events.command"], "a command", async () => {
  const cmd = "printf out; exit 3";
  const { client, world } = await played({
    responses: [answer(functionCall("exec_command", { cmd })), answer(assistantText("done"))],
  });
  const what = {
    call_id: "call_1",
    turn_id: "3",
    command: ["/bin/bash", "-lc", cmd],
    cwd: world.cwd,
    parsed_cmd: [{ type: "unknown", cmd: expect.any(String) }],
    source: "unified_exec_startup",
  };
  expect(client.msgs("exec_command_begin")[0]).toMatchObject({ type: "exec_command_begin", ...what });
  expect(client.msgs("exec_command_end")[0]).toMatchObject({
    type: "exec_command_end",
    ...what,
    stdout: "out",
    stderr: "",
    aggregated_output: "out",
    exit_code: 3,
    duration: { secs: expect.any(Number), nanos: expect.any(Number) },
    formatted_output: "out",
  });
});

const PATCH =
  "*** Begin Patch\n*** Add File: new.txt\n+hello\n*** Update File: old.txt\n@@\n one\n-two\n+zwei\n*** Delete File: gone.txt\n*** End Patch\n";

requirement(["mcp-server.events.patch"], "a patch", async () => {
  const { client, world } = await played(
    {
      responses: [answer(customToolCall("apply_patch", PATCH)), answer(assistantText("done"))],
      files: { "old.txt": "one\ntwo\n", "gone.txt": "last\n" },
    },
    { sandbox: "workspace-write" },
  );
  const changes = {
    [`${world.cwd}/new.txt`]: { type: "add", content: "hello\n" },
    [`${world.cwd}/old.txt`]: { type: "update", unified_diff: "@@ -1,2 +1,2 @@\n one\n-two\n+zwei\n", move_path: null },
    [`${world.cwd}/gone.txt`]: { type: "delete", content: "last\n" },
  };
  expect(client.msgs("patch_apply_begin")).toEqual([
    { type: "patch_apply_begin", call_id: "call_1", turn_id: "3", auto_approved: true, changes },
  ]);
  expect(client.msgs("patch_apply_end")).toEqual([
    {
      type: "patch_apply_end",
      call_id: "call_1",
      turn_id: "3",
      stdout: "Success. Updated the following files:\nA new.txt\nM old.txt\nD gone.txt\n",
      stderr: "",
      success: true,
      changes,
    },
  ]);
});

const RAW_SERVER = fileURLToPath(new URL("../support/mcp-server-raw.ts", import.meta.url));

requirement(["mcp-server.events.mcp"], "calls of an MCP server", async () => {
  const { client } = await played({
    tables: `[mcp_servers.tiny]\ncommand = ${JSON.stringify(process.execPath)}\nargs = ${JSON.stringify([RAW_SERVER, "tiny"])}\n`,
    responses: [
      answer(functionCall("mcp__tiny__echo", { text: "hey" }, "call_1")),
      answer(functionCall("mcp__tiny__boom", {}, "call_2")),
      answer(assistantText("done")),
    ],
  });
  const echo = { call_id: "call_1", invocation: { server: "tiny", tool: "echo", arguments: { text: "hey" } } };
  const boom = { call_id: "call_2", invocation: { server: "tiny", tool: "boom", arguments: {} } };
  const duration = { secs: expect.any(Number), nanos: expect.any(Number) };
  expect(client.msgs("mcp_tool_call_begin")).toEqual([
    { type: "mcp_tool_call_begin", ...echo },
    { type: "mcp_tool_call_begin", ...boom },
  ]);
  expect(client.msgs("mcp_tool_call_end")).toEqual([
    { type: "mcp_tool_call_end", ...echo, duration, result: { Ok: { content: [{ type: "text", text: "ECHO hey" }] } } },
    { type: "mcp_tool_call_end", ...boom, duration, result: { Err: expect.stringContaining("boom happened") } },
  ]);
  expect(client.msgs("mcp_startup_update").map(({ status }) => status)).toEqual([
    { state: "starting" },
    { state: "ready" },
  ]);
  expect(client.msgs("mcp_startup_complete")).toEqual([
    { type: "mcp_startup_complete", ready: ["tiny"], failed: [], cancelled: [] },
  ]);
});

requirement(["mcp-server.events.plan", "mcp-server.events.web-search"], "a plan and a search", async () => {
  const plan = [
    { step: "a", status: "in_progress" },
    { step: "b", status: "pending" },
  ];
  const search = [
    created(),
    ...webSearchCall({ type: "search", query: "cats" }),
    ...assistantText("found"),
    completed(),
  ];
  const { client } = await played({
    responses: [answer(functionCall("update_plan", { explanation: "why", plan })), sse(search)],
  });
  expect(client.msgs("plan_update")).toEqual([{ type: "plan_update", explanation: "why", plan }]);
  const action = { type: "search", query: "cats" };
  const found = { type: "WebSearch", id: "ws_1", query: "cats", action };
  expect(client.msgs("web_search_begin")).toEqual([{ type: "web_search_begin", call_id: "ws_1" }]);
  expect(client.msgs("web_search_end")).toEqual([{ type: "web_search_end", call_id: "ws_1", query: "cats", action }]);
  expect(client.msgs("item_started")).toContainEqual({
    type: "item_started",
    ...ids,
    item: { type: "WebSearch", id: "ws_1", query: "", action: { type: "other" } },
  });
  expect(client.msgs("item_completed")).toContainEqual({ type: "item_completed", ...ids, item: found });
});

requirement(["mcp-server.events.stream-error"], "a stream that breaks", async () => {
  const { client } = await played({
    provider: "request_max_retries = 0\nstream_max_retries = 1\n",
    responses: [rawChunks(["event: response.created\n"], { end: "cut" }), answer(assistantText("ok"))],
  });
  expect(client.msgs("stream_error")).toEqual([
    {
      type: "stream_error",
      message: "Reconnecting... 1/1",
      codex_error_info: { response_stream_disconnected: { http_status_code: null } },
      additional_details: expect.stringContaining("stream disconnected before completion"),
    },
  ]);
});

requirement(["mcp-server.events.mcp-failed"], "servers that do not start", async () => {
  const { client } = await played({
    tables:
      '[mcp_servers.gone]\ncommand = "/no/such/server"\n' +
      '[mcp_servers.mute]\ncommand = "sleep"\nargs = ["60"]\nstartup_timeout_sec = 1\n',
  });
  const failures = client.msgs("mcp_startup_update").filter(({ status }) => (status as { error?: string }).error);
  expect(failures.map(({ server, status }) => [server, status]).sort()).toEqual([
    [
      "gone",
      {
        state: "failed",
        error: "MCP client for `gone` failed to start: MCP startup failed: No such file or directory (os error 2)",
      },
    ],
    ["mute", { state: "failed", error: expect.stringMatching(/^MCP client for `mute` timed out after 1 seconds\. /) }],
  ]);
  const ofServers = client.events().filter(({ msg }) => msg.type.startsWith("mcp_startup_"));
  expect(new Set(ofServers.map(({ id }) => id))).toEqual(new Set([""]));
  const [complete] = client.msgs("mcp_startup_complete");
  expect(complete).toMatchObject({ ready: [], cancelled: [] });
  expect(complete?.failed).toEqual(
    expect.arrayContaining([
      { server: "gone", error: "No such file or directory (os error 2)" },
      { server: "mute", error: "timed out handshaking with MCP server after 1s" },
    ]),
  );
});
