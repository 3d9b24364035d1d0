import type { ToolResult } from "./tool.ts";

/** An answer that says the call failed. */
export function failure(output: string): ToolResult {
  return { output, success: false };
}

/** An answer that says the call worked. */
export function success(output: string): ToolResult {
  return { output, success: true };
}

/** The arguments of a call to a function, or undefined when the model called it as something else. */
export function wrongPayload(name: string): ToolResult {
  return failure(`${name} handler received unsupported payload`);
}
