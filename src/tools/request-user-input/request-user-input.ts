import type { Tool } from "../tool.ts";

/**
 * `request_user_input`: accepted and refused with the text programs know, and not offered: in a session
 * without a person to answer, listing it would only cost tokens.
 */
export function createRequestUserInputTool(): Tool {
  return {
    name: "request_user_input",
    spec: () => null,
    parallel: false,
    run: async () => ({ output: "request_user_input is unavailable in Default mode", success: false }),
  };
}
