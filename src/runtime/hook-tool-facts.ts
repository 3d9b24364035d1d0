import type { ToolFacts } from "#hooks/payloads.ts";
import { shellJoin } from "#lib/shell-join.ts";
import type { ToolOutputPayload } from "#protocol/items.ts";
import type { ToolCall, ToolPayload } from "#tools/tool.ts";

/** Tools that start a command; hooks know them all as "Bash". */
const SHELL_TOOLS: ReadonlySet<string> = new Set([
  "exec_command",
  "shell",
  "container.exec",
  "shell_command",
  "local_shell",
]);

type Fields = Readonly<Record<string, unknown>>;

/** How hooks see a call: shell commands as `Bash` with `command`, patches with `command`, others as the model made them. */
export function hookToolFacts(call: ToolCall): ToolFacts {
  const input = argumentsOf(call);
  return {
    toolName: SHELL_TOOLS.has(call.name) ? "Bash" : call.name,
    toolInput: commandInput(call, input),
    toolUseId: call.callId,
  };
}

/** What hooks are told a call answered: of a command its output alone, else what the model gets. */
export function hookToolResponse(call: ToolCall, output: ToolOutputPayload): ToolOutputPayload {
  if (!SHELL_TOOLS.has(call.name) || typeof output !== "string") return output;
  const head = /^(?:[^\n]+\n)*?Output:\n/.exec(output);
  return head === null ? output : output.slice(head[0].length);
}

/** Whether a person can be asked about it although nothing but a hook wants that. */
export function canBeAskedAbout(call: ToolCall): boolean {
  return SHELL_TOOLS.has(call.name) || call.name === "apply_patch" || isMcpTool(call);
}

/** Whether it is a call of a tool of an MCP server. */
export function isMcpTool({ name }: ToolCall): boolean {
  return name.startsWith("mcp__");
}

/**
 * The call with the input a hook wants in place of the model's, or why that is none. Of a command and a patch, keys
 * that are left out stay as the model made them; of other tools the input is the whole.
 */
export function callWithInput(call: ToolCall, input: unknown): ToolCall | string {
  const isCommand = SHELL_TOOLS.has(call.name) || call.name === "apply_patch";
  if (!isCommand) return { ...call, payload: replaced(call.payload, input) };
  const fields = isFields(input) ? input : {};
  if (typeof fields.command !== "string") return "the hook wants another input (updatedInput) without a text `command`";
  const { command, ...rest } = fields;
  return { ...call, payload: recommanded(call, command as string, rest) };
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
  const rest = Object.entries(isFields(input) ? input : {});
  return { ...Object.fromEntries(rest.filter(([key]) => key !== "cmd")), command: text };
}

function recommanded(call: ToolCall, command: string, rest: Fields): ToolPayload {
  const { payload } = call;
  if (payload.kind === "custom") return { kind: "custom", input: command };
  if (payload.kind === "local_shell") return { ...payload, command: wordsOf(payload.command, command) };
  const before = argumentsOf(call);
  const kept = { ...(isFields(before) ? before : {}), ...rest };
  const key = call.name === "exec_command" ? "cmd" : call.name === "apply_patch" ? "input" : "command";
  const words = Array.isArray(kept.command) ? wordsOf(kept.command.map(String), command) : command;
  return { kind: "function", argumentsJson: JSON.stringify({ ...kept, [key]: words }) };
}

/** As the model's command was started, so is the other. */
function wordsOf(before: readonly string[], command: string): string[] {
  return shellScript(before) === undefined ? ["/bin/sh", "-c", command] : [...before.slice(0, 2), command];
}

function replaced(payload: ToolPayload, input: unknown): ToolPayload {
  const text = typeof input === "string" ? input : JSON.stringify(input);
  return payload.kind === "custom" ? { kind: "custom", input: text } : { kind: "function", argumentsJson: text };
}

/** The script of `bash -lc SCRIPT`, which is what the model means by it. */
function shellScript(words: readonly string[]): string | undefined {
  const [program, option, script] = words;
  const isShell = words.length === 3 && /(^|\/)(ba|z|da)?sh$/.test(program ?? "") && /^-l?c$/.test(option ?? "");
  return isShell ? script : undefined;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function keyed(input: unknown, key: string): unknown {
  return isFields(input) ? input[key] : undefined;
}
