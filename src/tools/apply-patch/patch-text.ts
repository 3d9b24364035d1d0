import { assertNever } from "#lib/errors.ts";
import { parseArguments, required, struct, text } from "../argument-errors.ts";
import type { ToolCall } from "../tool.ts";

const ARGUMENTS = struct("ApplyPatchToolArgs", { input: required(text) });

/** The patch a call carries, or what the model is told about a call that carries none. */
export function patchText({ payload }: ToolCall): { patch: string } | { error: string } {
  switch (payload.kind) {
    case "custom":
      return { patch: payload.input };
    case "function": {
      const parsed = parseArguments(payload.argumentsJson, ARGUMENTS);
      return "error" in parsed ? parsed : { patch: parsed.value.input };
    }
    case "local_shell":
      return { error: "apply_patch handler received unsupported payload" };
    default:
      return assertNever(payload);
  }
}
