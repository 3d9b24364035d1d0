import type { ToolFacts } from "#hooks/payloads.ts";
import { shellJoin } from "#lib/shell-join.ts";
import type { ToolCall } from "#tools/tool.ts";

/** Tools that start a command; hooks know them all as "Bash". */
const SHELL_TOOLS: ReadonlySet<string> = new Set([
  "exec_command",
  "shell",
  "container.exec",
  "shell_command",
  "local_shell",
]);

/** How hooks see a call: shell commands as `Bash` with `command`, patches with `command`, others as the model made them. */
export function hookToolFacts(call: ToolCall): Omit<ToolFacts, "agent"> {
  const input = argumentsOf(call);
  return {
    toolName: SHELL_TOOLS.has(call.name) ? "Bash" : call.name,
    toolInput: commandInput(call, input),
    toolUseId: call.callId,
  };
}

/** What the model sent; a text that is not JSON stays the text. */
function argumentsOf({ payload }: ToolCall): unknown {
  switch (payload.kind) {
    case "custom":
      return payload.input;
    case "local_shell":
      return { command: payload.command };
    case "function":
      try {
        return JSON.parse(payload.argumentsJson);
      } catch {
        return payload.argumentsJson;
      }
  }
}

function commandInput(call: ToolCall, input: unknown): unknown {
  if (SHELL_TOOLS.has(call.name)) return withCommand(input, keyed(input, "cmd") ?? keyed(input, "command"));
  if (call.name === "apply_patch") return { command: typeof input === "string" ? input : keyed(input, "input") };
  return input;
}

function withCommand(input: unknown, command: unknown): unknown {
  const words = Array.isArray(command) ? command.map(String) : undefined;
  const text = words === undefined ? command : (shellScript(words) ?? shellJoin(words));
  const rest = Object.entries(typeof input === "object" && input !== null ? input : {});
  return { ...Object.fromEntries(rest.filter(([key]) => key !== "cmd")), command: text };
}

/** The script of `bash -lc SCRIPT`, which is what the model means by it. */
function shellScript(words: readonly string[]): string | undefined {
  const [program, option, script] = words;
  const isShell = words.length === 3 && /(^|\/)(ba|z|da)?sh$/.test(program ?? "") && /^-l?c$/.test(option ?? "");
  return isShell ? script : undefined;
}

function keyed(input: unknown, key: string): unknown {
  return typeof input === "object" && input !== null ? (input as Record<string, unknown>)[key] : undefined;
}
