/** Writes a session as the lines of a 0.101 rollout. */
import type { SessionStep } from "./parse.ts";
import {
  agentsText,
  execArguments,
  finishedText,
  gitMeta,
  message,
  patchOutput,
  processNumber,
  type Recording,
  type RunStep,
  runningText,
  usage,
} from "./recording.ts";

const MODEL = "gpt-5.2-codex";
const NO_LIMITS = {
  limit_id: "codex",
  limit_name: null,
  primary: null,
  secondary: null,
  credits: null,
  plan_type: null,
};

/** Adds all lines of the session. */
export function record101(recording: Recording): void {
  const { steps } = recording.session;
  opening(recording);
  let [open, last] = [false, ""];
  for (const step of steps) {
    if (step.kind === "user" && !step.steer) {
      if (open) complete(recording, last);
      recording.wait(45_000);
      recording.newTurn();
      recording.event({
        type: "task_started",
        turn_id: recording.turnId,
        model_context_window: 258_400,
        collaboration_mode_kind: "default",
      });
      open = true;
    }
    addStep(recording, step);
    if (step.kind === "assistant") last = step.text;
    if (step.kind === "interrupt") open = false;
  }
  if (open) complete(recording, last);
}

function opening(recording: Recording): void {
  const { session } = recording;
  recording.add("session_meta", {
    id: recording.threadId,
    timestamp: new Date(recording.startMs - 18).toISOString(),
    cwd: session.cwd,
    originator: session.source === "exec" ? "codex_exec" : "codex_cli_rs",
    cli_version: "0.101.0",
    source: session.source,
    model_provider: "openai",
    base_instructions: { text: "placeholder base instructions" },
    ...gitMeta(session),
  });
  const item = (payload: Record<string, unknown>) => recording.add("response_item", payload);
  item(message("developer", "<permissions instructions>\nplaceholder\n</permissions instructions>"));
  if (session.agents !== undefined) item(message("user", agentsText(session)));
  const environment = `<environment_context>\n  <cwd>${session.cwd}</cwd>\n  <shell>bash</shell>\n</environment_context>`;
  item(message("user", environment));
}

function complete(recording: Recording, last: string): void {
  recording.event({ type: "task_complete", turn_id: recording.turnId, last_agent_message: last === "" ? null : last });
}

/** One sampling request: its settings and what it used. */
function sampled(recording: Recording): void {
  const { session } = recording;
  recording.wait(1900);
  recording.add("turn_context", {
    turn_id: recording.turnId,
    cwd: session.cwd,
    approval_policy: "on-request",
    sandbox_policy: {
      type: "workspace-write",
      network_access: false,
      exclude_tmpdir_env_var: false,
      exclude_slash_tmp: false,
    },
    model: MODEL,
    personality: "pragmatic",
    collaboration_mode: {
      mode: "default",
      settings: { model: MODEL, reasoning_effort: null, developer_instructions: null },
    },
    summary: "auto",
    ...(session.agents !== undefined && { user_instructions: session.agents }),
    truncation_policy: { mode: "tokens", limit: 10_000 },
  });
  const used = usage(recording);
  const info = { total_token_usage: used, last_token_usage: used, model_context_window: 258_400 };
  recording.event({ type: "token_count", info, rate_limits: NO_LIMITS });
}

function addStep(recording: Recording, step: SessionStep): void {
  const item = (payload: Record<string, unknown>) => recording.add("response_item", payload);
  switch (step.kind) {
    case "user":
      item(message("user", step.text));
      recording.userLines.push(recording.lines.length);
      recording.event({
        type: "user_message",
        message: step.text,
        images: [],
        local_images: [],
        text_elements: [],
      });
      return sampled(recording);
    case "assistant":
      recording.event({ type: "agent_message", message: step.text });
      return item(message("assistant", step.text));
    case "think":
      recording.event({ type: "agent_reasoning", text: step.text });
      return item({
        type: "reasoning",
        summary: [{ type: "summary_text", text: step.text }],
        content: null,
        encrypted_content: "ENC==",
      });
    case "run":
      return addRun(recording, step);
    case "patch": {
      const call_id = recording.nextCall();
      item({ type: "custom_tool_call", status: "completed", call_id, name: "apply_patch", input: step.patch });
      const text = patchOutput(step.patch, step.ok, recording.session.cwd);
      const stored = JSON.stringify({ output: text, metadata: { exit_code: 0, duration_seconds: 0.0 } });
      item({ type: "custom_tool_call_output", call_id, output: step.ok ? stored : text });
      return sampled(recording);
    }
    case "search":
      return item({ type: "web_search_call", status: "completed", action: { type: "search", query: step.query } });
    case "open":
      return item({ type: "web_search_call", status: "completed", action: { type: "open_page", url: step.url } });
    case "mcp": {
      const call_id = recording.nextCall();
      item({ type: "function_call", name: `mcp__${step.server}__${step.tool}`, arguments: step.input, call_id });
      const output = JSON.stringify([{ type: "text", text: step.output }]);
      item({ type: "function_call_output", call_id, output });
      return sampled(recording);
    }
    case "compact":
      recording.add("compacted", { message: `placeholder prefix\n${step.summary}` });
      return recording.event({ type: "context_compacted" });
    case "interrupt":
      item(message("user", "<turn_aborted>\nplaceholder\n</turn_aborted>"));
      return recording.event({ type: "turn_aborted", turn_id: recording.turnId, reason: "interrupted" });
  }
}

function addRun(recording: Recording, run: RunStep): void {
  const item = (payload: Record<string, unknown>) => recording.add("response_item", payload);
  const call_id = recording.nextCall();
  const seed = `${recording.threadId}/${call_id}`;
  if (run.tool === "shell") {
    const workdir = run.workdir ?? recording.session.cwd;
    const input = JSON.stringify({ command: ["bash", "-lc", run.command], workdir, timeout_ms: 120_000 });
    item({ type: "function_call", name: "shell", arguments: input, call_id });
    recording.wait(2400);
    const metadata = { exit_code: run.exitCode, duration_seconds: 2.4 };
    item({ type: "function_call_output", call_id, output: JSON.stringify({ output: run.output, metadata }) });
    return sampled(recording);
  }
  item({ type: "function_call", name: "exec_command", arguments: execArguments(run), call_id });
  recording.wait(1200);
  if (run.tool === "exec_command") {
    item({ type: "function_call_output", call_id, output: finishedText(seed, run) });
    return sampled(recording);
  }
  item({ type: "function_call_output", call_id, output: runningText(seed) });
  sampled(recording);
  const poll = recording.nextCall();
  const input = JSON.stringify({ session_id: processNumber(seed), chars: "", yield_time_ms: 30_000 });
  item({ type: "function_call", name: "write_stdin", arguments: input, call_id: poll });
  recording.wait(21_000);
  item({ type: "function_call_output", call_id: poll, output: finishedText(seed, run) });
  sampled(recording);
}
