import type { ToolResult } from "./tool.ts";

/** An answer that says the call failed. */
export function failure(output: string): ToolResult {
  return { output, success: false };
}

/** An output with what the model is told besides it. */
export function withNote(output: string, note: string | undefined): string {
  return note === undefined ? output : `${output}${output.endsWith("\n") ? "" : "\n"}${note}`;
}

/** An answer that says the call worked. */
export function success(output: string): ToolResult {
  return { output, success: true };
}

/** The arguments of a call to a function, or undefined when the model called it as something else. */
export function wrongPayload(name: string): ToolResult {
  return failure(`${name} handler received unsupported payload`);
}
