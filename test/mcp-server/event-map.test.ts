import { describe, expect, test } from "bun:test";
import { EventMap } from "#mcp-server/event-map.ts";
import type { EventMsg } from "#mcp-server/event-msg.ts";
import type { Event } from "#protocol/events.ts";
import { textMessage } from "#protocol/items.ts";
import { ZERO_USAGE } from "#protocol/usage.ts";
import { EVENT_MSG_SHAPES } from "./event-msg-shapes.ts";

const CHANGES = [
  { path: "/w/a", kind: "add" as const, diff: "@@ -0,0 +1,2 @@\n+one\n+two\n\\ No newline at end of file\n" },
];
const COMMAND = { callId: "c", command: ["bash", "-lc", "true"], cwd: "/w" };
const CALL = { callId: "m", server: "s", tool: "t", arguments: { a: 1 } };
const INFO = { total_token_usage: ZERO_USAGE, last_token_usage: ZERO_USAGE, model_context_window: null };
const REVIEW = {
  findings: [],
  overall_correctness: "good",
  overall_explanation: "",
  overall_confidence_score: 1,
};

/** At least one event of every type, each with the types of the messages it becomes. */
const CASES: readonly [Event, ...string[]][] = [
  [{ type: "thread_started", threadId: "t", rolloutPath: null }],
  [{ type: "turn_started", turnId: "u", modelContextWindow: 10 }, "task_started"],
  [
    { type: "raw_response_item", item: textMessage("user", "go") },
    "raw_response_item",
    "item_started",
    "item_completed",
    "user_message",
  ],
  [{ type: "raw_response_item", item: textMessage("user", "go") }, "raw_response_item"],
  [{ type: "raw_response_item", item: { type: "unknown", raw: { type: "new", id: "x" } } }, "raw_response_item"],
  [{ type: "warning", message: "w" }, "warning"],
  [{ type: "hook_started", event: "Stop", message: "h" }, "background_event"],
  [{ type: "hook_blocked", event: "Stop", reason: "h" }, "background_event"],
  [{ type: "stream_error", message: "Reconnecting... 1/5 (gone (again))" }, "stream_error"],
  [
    { type: "agent_message_delta", itemId: "a", delta: "d" },
    "item_started",
    "agent_message_content_delta",
    "agent_message_delta",
  ],
  [{ type: "agent_message_delta", itemId: "a", delta: "d" }, "agent_message_content_delta", "agent_message_delta"],
  [{ type: "agent_message", itemId: "a", text: "dd" }, "item_completed", "agent_message"],
  [{ type: "agent_message", itemId: "", text: "dd" }, "item_started", "item_completed", "agent_message"],
  [
    { type: "reasoning_delta", itemId: "r", summaryIndex: 0, delta: "d" },
    "item_started",
    "agent_reasoning_section_break",
    "reasoning_content_delta",
    "agent_reasoning_delta",
  ],
  [
    { type: "reasoning_delta", itemId: "r", summaryIndex: 0, delta: "d" },
    "reasoning_content_delta",
    "agent_reasoning_delta",
  ],
  [
    { type: "reasoning_raw_delta", itemId: "r", contentIndex: 0, delta: "d" },
    "reasoning_raw_content_delta",
    "agent_reasoning_raw_content_delta",
  ],
  [{ type: "reasoning", itemId: "r", summary: ["dd"], raw: ["x"] }, "item_completed", "agent_reasoning"],
  [
    { type: "reasoning_raw_delta", itemId: "r2", contentIndex: 0, delta: "d" },
    "item_started",
    "reasoning_raw_content_delta",
    "agent_reasoning_raw_content_delta",
  ],
  [{ type: "web_search_started", callId: "w", action: { type: "other" } }, "item_started", "web_search_begin"],
  [{ type: "web_search", callId: "w", action: { type: "open_page", url: "u" } }, "item_completed", "web_search_end"],
  [{ type: "command_started", ...COMMAND }, "exec_command_begin"],
  [{ type: "command_output", callId: "c", chunk: Buffer.from("é") }, "exec_command_output_delta"],
  [{ type: "command_input", callId: "c", processId: 7, text: "y\n" }, "terminal_interaction"],
  [{ type: "command_finished", ...COMMAND, output: "é", exitCode: null, durationMs: 1500.25 }, "exec_command_end"],
  [{ type: "patch_started", callId: "p", changes: CHANGES, autoApproved: true }, "patch_apply_begin"],
  [
    { type: "patch_finished", callId: "p", changes: CHANGES, success: false, output: "no", durationMs: 1 },
    "patch_apply_end",
  ],
  [{ type: "mcp_server_starting", server: "s" }, "mcp_startup_update"],
  [{ type: "mcp_server_ready", server: "s" }, "mcp_startup_update"],
  [{ type: "mcp_server_failed", server: "bad", message: "why" }, "mcp_startup_update"],
  [{ type: "mcp_startup_complete", ready: ["s"], failed: ["bad"] }, "mcp_startup_complete"],
  [{ type: "mcp_tool_started", ...CALL }, "mcp_tool_call_begin"],
  [{ type: "mcp_tool_progress", callId: "m", progress: 1, total: null, message: null }],
  [
    {
      type: "mcp_tool_finished",
      ...CALL,
      result: { content: [], structuredContent: { x: 1 }, isError: true },
      error: null,
      durationMs: 2,
    },
    "mcp_tool_call_end",
  ],
  [{ type: "mcp_tool_finished", ...CALL, result: null, error: "gone", durationMs: 2 }, "mcp_tool_call_end"],
  [
    {
      type: "approval_requested",
      requestId: "q",
      turnId: "u",
      request: { type: "command", ...COMMAND, reason: null, escalated: false, tty: false, proposedRule: null },
    },
    "exec_approval_request",
  ],
  [
    {
      type: "approval_requested",
      requestId: "q",
      turnId: "u",
      request: { type: "patch", callId: "p", changes: CHANGES, reason: "why", escalated: false, outside: [] },
    },
    "apply_patch_approval_request",
  ],
  [{ type: "approval_requested", requestId: "q", turnId: "u", request: { type: "mcp_tool", ...CALL, reason: null } }],
  [
    {
      type: "elicitation_requested",
      requestId: "q",
      turnId: "u",
      request: { server: "s", message: "m", mode: { type: "url", url: "u" } },
    },
    "elicitation_request",
  ],
  [{ type: "question_closed", requestId: "q" }],
  [{ type: "plan_updated", update: { plan: [{ step: "a", status: "pending" }] } }, "plan_update"],
  [{ type: "turn_diff", unifiedDiff: "d" }, "turn_diff"],
  [{ type: "token_count", info: null, rateLimits: null }, "token_count"],
  [{ type: "token_count", info: INFO, rateLimits: null }, "token_count"],
  [{ type: "context_compaction_started" }, "item_started"],
  [{ type: "context_compacted" }, "item_completed", "context_compacted"],
  [{ type: "entered_review", target: { type: "uncommittedChanges" }, hint: "h" }, "entered_review_mode"],
  [{ type: "exited_review", output: REVIEW, text: null }, "exited_review_mode"],
  [{ type: "error", message: "e" }, "error"],
  [{ type: "turn_failed", turnId: "u", message: "e" }],
  [{ type: "turn_completed", turnId: "u", lastAgentMessage: null }, "task_complete"],
  [{ type: "turn_aborted", turnId: "u", reason: "interrupted" }, "turn_aborted"],
  [{ type: "shutdown_complete" }],
];

function newMap(showRawReasoning = false): EventMap {
  const map = new EventMap({ threadId: "thread", cwd: "/work", showRawReasoning });
  map.beginTurn("7", "go");
  return map;
}

/** What is wrong with a message by the published shapes; undefined is as absent, since it is sent as JSON. */
function mistakes(sent: EventMsg): string[] {
  const msg = JSON.parse(JSON.stringify(sent)) as EventMsg;
  const shape = EVENT_MSG_SHAPES[msg.type];
  if (shape === undefined) return [`${msg.type} is unknown`];
  const missing = Object.keys(shape).filter((key) => shape[key]?.startsWith("*") && !(key in msg));
  const wrong = Object.entries(msg).filter(([key, value]) => key !== "type" && !fits(shape[key], value));
  return [
    ...missing.map((key) => `${msg.type}.${key} is missing`),
    ...wrong.map(([key]) => `${msg.type}.${key} is wrong`),
  ];
}

function fits(kinds: string | undefined, value: unknown): boolean {
  if (kinds === undefined) return false;
  const allowed = kinds.replace("*", "").split("|");
  const kind = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  return allowed.includes("any") || allowed.includes(kind);
}

describe("events", () => {
  const map = newMap();
  for (const [event, ...types] of CASES) {
    test(`${event.type} becomes ${types.join(", ") || "nothing"}`, () => {
      const messages = map.messages(event);
      expect(messages.map(({ type }) => type)).toEqual(types);
      expect(messages.flatMap(mistakes)).toEqual([]);
    });
  }
});

test("a message that lacks a key, or has one too many, is noticed", () => {
  expect(mistakes({ type: "warning" })).toEqual(["warning.message is missing"]);
  expect(mistakes({ type: "warning", message: 1, more: 2 })).toEqual([
    "warning.message is wrong",
    "warning.more is wrong",
  ]);
  expect(mistakes({ type: "nope" })).toEqual(["nope is unknown"]);
});

test("a new file's content is what its diff adds, also without a last newline", () => {
  const [begin] = newMap().messages({ type: "patch_started", callId: "p", changes: CHANGES, autoApproved: false });
  expect(begin).toMatchObject({ auto_approved: false, changes: { "/w/a": { type: "add", content: "one\ntwo" } } });
});

test("durations are whole seconds and nanoseconds", () => {
  const [end] = newMap().messages({
    type: "command_finished",
    ...COMMAND,
    output: "",
    exitCode: 0,
    durationMs: 1500.25,
  });
  expect(end).toMatchObject({ duration: { secs: 1, nanos: 500_250_000 }, exit_code: 0, source: "agent" });
});

test("a command that was ended has no exit code, and that is no success", () => {
  const killed = { ...COMMAND, output: "", exitCode: null, durationMs: 1 };
  expect(newMap().messages({ type: "command_finished", ...killed })).toMatchObject([{ exit_code: -1 }]);
});

test("a hook that blocks is told of with its reason", () => {
  expect(newMap().messages({ type: "hook_blocked", event: "Stop", reason: "not yet" })).toEqual([
    { type: "background_event", message: "Stop blocked: not yet" },
  ]);
});

test("raw reasoning is told apart only when it is to be shown", () => {
  const event: Event = { type: "reasoning", itemId: "r", summary: ["s"], raw: ["x", "y"] };
  const types = (map: EventMap) => map.messages(event).map(({ type }) => type);
  expect(types(newMap(true)).slice(-2)).toEqual(["agent_reasoning_raw_content", "agent_reasoning_raw_content"]);
  expect(types(newMap(false))).not.toContain("agent_reasoning_raw_content");
});

test("the next turn starts afresh", () => {
  const map = newMap();
  map.messages({ type: "agent_message_delta", itemId: "a", delta: "cut off" });
  map.beginTurn("8", "more");
  const [started] = map.messages({ type: "agent_message_delta", itemId: "a", delta: "d" });
  expect(started).toMatchObject({ type: "item_started", turn_id: "8", thread_id: "thread" });
});

test("why a stream broke stands apart from the notice, and a text of another form stays whole", () => {
  const told = (message: string) => newMap().messages({ type: "stream_error", message })[0];
  expect(told("Reconnecting... 2/5 (a (b))")).toMatchObject({
    message: "Reconnecting... 2/5",
    additional_details: "a (b)",
  });
  expect(told("something else")).toMatchObject({ message: "something else", additional_details: null });
});
