import { messageOf } from "#lib/errors.ts";
import type { ToolCall } from "../tool.ts";

/** The patch a call carries, or what the model is told about arguments that hold none. */
export function patchText({ payload }: ToolCall): { patch: string } | { error: string } {
  switch (payload.kind) {
    case "custom":
      return { patch: payload.input };
    case "function":
      return fromArguments(payload.argumentsJson);
    case "local_shell":
      return { error: "apply_patch takes a patch, not a command" };
  }
}

function fromArguments(json: string): { patch: string } | { error: string } {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    return unparsable(messageOf(error));
  }
  if (typeof value !== "object" || value === null) return unparsable(`expected an object with \`input\``);
  if (!("input" in value)) return unparsable(`missing field \`input\` at ${endOf(json)}`);
  if (typeof value.input !== "string") return unparsable("`input` must be a string that holds the patch");
  return { patch: value.input };
}

function unparsable(reason: string): { error: string } {
  return { error: `failed to parse function arguments: ${reason}` };
}

/** Where the text ends, white space after it left out: both 1-based, the column in bytes. */
function endOf(text: string): string {
  const lines = text.trimEnd().split("\n");
  return `line ${lines.length} column ${Buffer.byteLength(lines.at(-1) ?? "")}`;
}
