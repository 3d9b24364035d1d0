/** Writes a session as the lines of a 0.169 rollout. */
import type { SessionStep } from "./parse.ts";
import {
  agentsText,
  execArguments,
  finishedText,
  gitMeta,
  type Json,
  message,
  patchOutput,
  processNumber,
  type Recording,
  type RunStep,
  runningText,
  stableUuid,
  usage,
} from "./recording.ts";

const MODEL = "gpt-5.5";

/** Adds all lines of the session. */
export function record169(recording: Recording): void {
  let [open, first, last] = [false, true, ""];
  meta(recording);
  for (const step of recording.session.steps) {
    if (step.kind === "user" && !step.steer) {
      if (open) complete(recording, last);
      recording.wait(45_000);
      startTurn(recording, first);
      [open, first] = [true, false];
    }
    addStep(recording, step);
    if (step.kind === "assistant") last = step.text;
    if (step.kind === "interrupt") open = false;
  }
  if (open) complete(recording, last);
  for (const [ordinal, line] of recording.lines.entries()) {
    const { timestamp, ...rest } = line;
    recording.lines[ordinal] = { timestamp, ordinal, ...rest };
  }
}

function meta(recording: Recording): void {
  const { session, threadId } = recording;
  recording.add("session_meta", {
    account_scoped: true,
    session_id: threadId,
    id: threadId,
    timestamp: new Date(recording.startMs - 70).toISOString(),
    cwd: session.cwd,
    runtime_workspace_roots: [session.cwd],
    originator: session.source === "exec" ? "codex_exec" : "codex_cli_rs",
    cli_version: "0.169.0",
    source: session.source,
    thread_source: "user",
    model_provider: "openai",
    base_instructions: { text: "placeholder base instructions", provenance: { type: "model", model: MODEL } },
    history_mode: "paginated",
    context_window: { window_id: stableUuid(`${session.name}/window`, recording.startMs) },
    ...gitMeta(session),
  });
}

function startTurn(recording: Recording, first: boolean): void {
  const { session } = recording;
  recording.newTurn();
  const turn_id = recording.turnId;
  recording.event({
    type: "task_started",
    turn_id,
    root_turn_id: turn_id,
    started_at: Math.floor(recording.nowMs / 1000),
    model_context_window: 258_400,
    collaboration_mode_kind: "default",
  });
  if (first) {
    item(recording, message("developer", "<permissions instructions>\nplaceholder\n</permissions instructions>"));
    const environment = `<environment_context>\n  <cwd>${session.cwd}</cwd>\n  <shell>bash</shell>\n</environment_context>`;
    const agents = session.agents === undefined ? [] : [agentsText(session)];
    item(recording, message("user", ...agents, environment));
    const directory = { directory: session.cwd, text: session.agents ?? "" };
    recording.add("world_state", { full: true, state: { agents_md: directory, model: MODEL } });
  }
  recording.add("turn_context", {
    turn_id,
    root_turn_id: turn_id,
    disabled_plugin_ids: [],
    cwd: session.cwd,
    approval_policy: "on-request",
    approvals_reviewer: "user",
    permission_profile: { type: "disabled" },
    model: MODEL,
    comp_hash: "2911",
    collaboration_mode: {
      mode: "default",
      settings: { model: MODEL, reasoning_effort: null, developer_instructions: null },
    },
    multi_agent_version: "v1",
    summary: "none",
    sandbox_policy: { type: "danger-full-access" },
  });
}

function complete(recording: Recording, last: string): void {
  const second = Math.floor(recording.nowMs / 1000);
  recording.event({
    type: "task_complete",
    turn_id: recording.turnId,
    last_agent_message: last === "" ? null : last,
    started_at: second - 9,
    completed_at: second,
    duration_ms: 9000,
    time_to_first_token_ms: 410,
  });
}

/** A response item with the bookkeeping that surrounds it. */
function item(recording: Recording, payload: Json): void {
  const passthrough = { internal_chat_message_metadata_passthrough: { turn_id: recording.turnId } };
  const sequence = recording.lines.filter((line) => line.type === "response_item").length + 1;
  recording.add("response_item", { ...payload, ...passthrough });
  const line = recording.lines.at(-1);
  if (line !== undefined) {
    line.metadata = { history_sequence: sequence, sampled_through_sequence: sequence - 1, client_authored: false };
  }
}

function completedItem(recording: Recording, value: Json): void {
  const [thread_id, turn_id, now] = [recording.threadId, recording.turnId, recording.nowMs];
  const times = { started_at_ms: now, completed_at_ms: now };
  recording.event({ type: "item_completed", thread_id, turn_id, item: value, ...times });
}

function sampled(recording: Recording): void {
  recording.wait(1900);
  const used = usage(recording);
  recording.add("token_usage_record", {
    thread_id: recording.threadId,
    turn_id: recording.turnId,
    session_id: recording.threadId,
    root_turn_id: recording.turnId,
    response_id: `resp_${recording.lines.length}`,
    usage: used,
    turn_token_usage: used,
    thread_token_usage: used,
  });
}

function addStep(recording: Recording, step: SessionStep): void {
  switch (step.kind) {
    case "user":
      item(recording, message("user", step.text));
      recording.userLines.push(recording.lines.length);
      completedItem(recording, {
        type: "UserMessage",
        id: `item_${recording.lines.length}`,
        content: [{ type: "text", text: step.text, text_elements: [] }],
      });
      return sampled(recording);
    case "assistant": {
      const id = `msg_${recording.lines.length}`;
      completedItem(recording, { type: "AgentMessage", id, content: [{ type: "Text", text: step.text }] });
      return item(recording, { id, ...message("assistant", step.text) });
    }
    case "think": {
      const id = `rs_${recording.lines.length}`;
      completedItem(recording, { type: "Reasoning", id, summary_text: [step.text], raw_content: [] });
      const summary = [{ type: "summary_text", text: step.text }];
      return item(recording, { type: "reasoning", id, summary, content: null, encrypted_content: "ENC==" });
    }
    case "run":
      return addRun(recording, step);
    case "patch":
      return addPatch(recording, step.patch, step.ok);
    case "search": {
      const action = { type: "search", query: step.query };
      completedItem(recording, { type: "WebSearch", id: recording.nextCall(), query: step.query, action });
      return item(recording, { type: "web_search_call", status: "completed", action });
    }
    case "open":
      return item(recording, {
        type: "web_search_call",
        status: "completed",
        action: { type: "open_page", url: step.url },
      });
    case "mcp":
      return addMcp(recording, step);
    case "compact":
      recording.add("compacted", { message: `placeholder prefix\n${step.summary}`, window_number: 1 });
      return recording.event({ type: "context_compacted" });
    case "interrupt":
      item(recording, message("user", "<turn_aborted>\nplaceholder\n</turn_aborted>"));
      return recording.event({ type: "turn_aborted", turn_id: recording.turnId, reason: "interrupted" });
  }
}

function addPatch(recording: Recording, patch: string, ok: boolean): void {
  const call_id = recording.nextCall();
  const input = { type: "custom_tool_call", status: "completed", call_id, name: "apply_patch", input: patch };
  item(recording, input);
  const text = patchOutput(patch, ok, recording.session.cwd);
  const files = [...patch.matchAll(/^\*\*\* (Add|Update|Delete) File: (.*)$/gm)];
  const changes = files.map(([, what, path]) => [`${recording.session.cwd}/${path}`, { type: what?.toLowerCase() }]);
  const status = ok ? "completed" : "failed";
  const [stdout, stderr] = ok ? [text, ""] : ["", text];
  completedItem(recording, {
    type: "FileChange",
    id: call_id,
    changes: Object.fromEntries(changes),
    status,
    stdout,
    stderr,
  });
  const output = ok ? `Exit code: 0\nWall time: 0 seconds\nOutput:\n${text}` : text;
  item(recording, { type: "custom_tool_call_output", call_id, output });
  sampled(recording);
}

function addMcp(recording: Recording, step: Extract<SessionStep, { kind: "mcp" }>): void {
  const call_id = recording.nextCall();
  const { server, tool, input } = step;
  const namespace = `mcp__${server}`;
  item(recording, { type: "function_call", namespace, name: tool, arguments: input, call_id });
  const parts = ["Wall time: 0.0037 seconds\nOutput:", step.output].map((text) => ({ type: "input_text", text }));
  const result = { content: [{ type: "text", text: step.output }] };
  const call = { type: "McpToolCall", id: call_id, server, tool, arguments: JSON.parse(input), status: "completed" };
  completedItem(recording, { ...call, result, duration: { secs: 0, nanos: 3_700_000 } });
  item(recording, { type: "function_call_output", call_id, output: parts });
  sampled(recording);
}

/** This version has no `shell` tool: every command is an exec_command. */
function addRun(recording: Recording, run: RunStep): void {
  const call_id = recording.nextCall();
  const seed = `${recording.threadId}/${call_id}`;
  item(recording, { type: "function_call", name: "exec_command", arguments: execArguments(run), call_id });
  recording.wait(1200);
  let answered = call_id;
  if (run.tool === "long") {
    item(recording, { type: "function_call_output", call_id, output: runningText(seed) });
    sampled(recording);
    answered = recording.nextCall();
    const input = JSON.stringify({ session_id: processNumber(seed), chars: "", yield_time_ms: 30_000 });
    item(recording, { type: "function_call", name: "write_stdin", arguments: input, call_id: answered });
    recording.wait(21_000);
  }
  completedItem(recording, {
    type: "CommandExecution",
    id: call_id,
    process_id: String(processNumber(seed)),
    command: ["/bin/bash", "-lc", run.command],
    cwd: `file://${run.workdir ?? recording.session.cwd}`,
    parsed_cmd: [{ type: "unknown", cmd: run.command }],
    source: "unified_exec_startup",
    status: run.exitCode === 0 ? "completed" : "failed",
    aggregated_output: run.output,
    exit_code: run.exitCode,
    duration: { secs: 1, nanos: 204_100_000 },
  });
  item(recording, { type: "function_call_output", call_id: answered, output: finishedText(seed, run) });
  sampled(recording);
}
