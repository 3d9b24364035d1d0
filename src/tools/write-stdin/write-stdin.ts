import type { SessionTable } from "#process/sessions.ts";
import { defaulted, integer, optional, parseArguments, required, struct, text } from "../argument-errors.ts";
import { sessionResponse } from "../exec-command/response.ts";
import { functionSpec } from "../function-spec.ts";
import { failure, wrongPayload } from "../text-result.ts";
import type { Tool, ToolCall, ToolContext, ToolResult } from "../tool.ts";
import description from "./description.md" with { type: "text" };

const ARGUMENTS = struct("WriteStdinArgs", {
  session_id: required(integer("i32")),
  chars: defaulted(text),
  yield_time_ms: defaulted(integer("u64")),
  max_output_tokens: optional(integer("usize")),
});

const DEFAULT_YIELD_MS = 250;
const MIN_YIELD_MS = 250;
/** A poll that types nothing waits longer, so that a model does not spin. */
const MIN_EMPTY_POLL_MS = 5000;
const MAX_YIELD_MS = 30_000;

const SPEC = functionSpec(
  "write_stdin",
  description,
  {
    session_id: { type: "number", description: "The session ID that exec_command returned." },
    chars: { type: "string", description: "Characters to type; control characters as \\u0003. Default: none." },
    yield_time_ms: {
      type: "number",
      description: "Milliseconds to wait before answering, up to 30000. Default: 250, or 5000 without chars.",
    },
    max_output_tokens: { type: "number", description: "Most tokens of output to return. Default: 10000." },
  },
  ["session_id"],
);

/** `write_stdin`: type into, or look at, a session that `exec_command` left running. */
export function createWriteStdinTool(deps: { sessions: SessionTable }): Tool {
  return {
    name: "write_stdin",
    spec: () => SPEC,
    parallel: false,
    run: (call, context) => runCall(call, context, deps.sessions),
  };
}

async function runCall(call: ToolCall, context: ToolContext, sessions: SessionTable): Promise<ToolResult> {
  if (call.payload.kind !== "function") return wrongPayload("write_stdin");
  const parsed = parseArguments(call.payload.argumentsJson, ARGUMENTS);
  if ("error" in parsed) return failure(parsed.error);
  const { session_id, chars = "", yield_time_ms = DEFAULT_YIELD_MS, max_output_tokens } = parsed.value;
  const session = sessions.find(session_id);
  if (session === undefined) return failure(`write_stdin failed: Unknown process id ${session_id}`);
  if (chars !== "" && !session.tty) {
    return failure(
      "write_stdin failed: stdin is closed for this session; rerun exec_command with tty=true to keep stdin open",
    );
  }
  if (chars !== "") session.write(chars);
  const least = chars === "" ? MIN_EMPTY_POLL_MS : MIN_YIELD_MS;
  const yieldMs = Math.min(MAX_YIELD_MS, Math.max(least, yield_time_ms));
  const collected = await sessions.collect(session, { yieldMs, signal: context.signal });
  context.emit({ type: "command_input", callId: session.callId, processId: session_id, text: chars });
  const output = sessionResponse(collected, { sessionId: session_id, maxOutputTokens: max_output_tokens });
  return { output, success: (collected.exitCode ?? 0) === 0 };
}
