import type { ResponseItem } from "#protocol/items.ts";

/** What the model is told of a call that never got its answer (interrupted, or the process was killed). */
export const ABORTED_OUTPUT = "aborted";

/**
 * Gives every call an output directly after it when none follows, and drops outputs whose call is gone.
 * A history with an unpaired call or output is refused by the API as a whole.
 */
export function pairCallsWithOutputs(items: readonly ResponseItem[]): ResponseItem[] {
  const answered = new Set<string>();
  const called = new Set<string>();
  for (const item of items) {
    const output = outputCallId(item);
    if (output !== undefined) answered.add(output);
    const call = callId(item);
    if (call !== undefined) called.add(call);
  }
  const paired: ResponseItem[] = [];
  for (const item of items) {
    const output = outputCallId(item);
    if (output !== undefined && !called.has(output)) continue;
    paired.push(item);
    const call = callId(item);
    if (call !== undefined && !answered.has(call)) {
      answered.add(call);
      paired.push(abortedOutput(item, call));
    }
  }
  return paired;
}

function callId(item: ResponseItem): string | undefined {
  switch (item.type) {
    case "function_call":
    case "custom_tool_call":
      return item.call_id;
    case "local_shell_call":
      return item.call_id ?? undefined;
    default:
      return undefined;
  }
}

function outputCallId(item: ResponseItem): string | undefined {
  return item.type === "function_call_output" || item.type === "custom_tool_call_output" ? item.call_id : undefined;
}

function abortedOutput(call: ResponseItem, callIdText: string): ResponseItem {
  const type = call.type === "custom_tool_call" ? "custom_tool_call_output" : "function_call_output";
  return { type, call_id: callIdText, output: ABORTED_OUTPUT };
}
