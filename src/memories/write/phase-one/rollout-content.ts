import { isObject } from "#lib/jsonl.ts";
import { isContextText } from "#rollout/context-messages.ts";

/** What a kept item says. Texts are decoded, images replaced by a mark, instruction blocks gone. */
export type RolloutContent =
  | { type: "user"; text: string }
  | { type: "assistant"; text: string }
  /** A tool call; `input` is the JSON text of a function's arguments or a custom tool's text. */
  | { type: "call"; callId: string; tool: string; input: string }
  /** `head`: its first characters. `text` decodes all of it and may be called only while the item is handed over. */
  | { type: "output"; callId: string; head: string; text: () => string }
  | { type: "web_search"; query: string };

type Json = Record<string, unknown>;

/** What stands for an image. */
const IMAGE = "[image]";

/** A response item as content; undefined for what is not kept (developer, reasoning, instructions, unknown types). */
export function rolloutContent(payload: Json): RolloutContent | undefined {
  switch (payload.type) {
    case "message":
      return messageContent(payload);
    case "function_call":
      return call(payload.call_id, callName(payload), payload.arguments);
    case "custom_tool_call":
      return call(payload.call_id, payload.name, payload.input);
    case "local_shell_call":
      return localShellCall(payload);
    case "function_call_output":
    case "custom_tool_call_output":
      return outputContent(text(payload.call_id), outputText(payload.output));
    case "web_search_call":
      return { type: "web_search", query: isObject(payload.action) ? searchText(payload.action) : "" };
    default:
      return undefined;
  }
}

/** Characters of an output that say how a command ended. */
const HEAD_CHARS = 600;

/** An output that is decoded already. */
function outputContent(callId: string, whole: string): RolloutContent {
  return { type: "output", callId, head: whole.slice(0, HEAD_CHARS), text: () => whole };
}

function messageContent(payload: Json): RolloutContent | undefined {
  if (!Array.isArray(payload.content)) return undefined;
  const { role } = payload;
  if (role !== "user" && role !== "assistant") return undefined;
  const parts = role === "user" ? userParts(payload.content, contentKinds(payload)) : partTexts(payload.content);
  const joined = parts.join("\n");
  return joined.trim() === "" ? undefined : { type: role, text: joined };
}

/** The parts a program put into a user message are left out, one by one. */
function userParts(content: readonly unknown[], kinds: readonly unknown[]): string[] {
  return content.flatMap((part, index) => {
    const kind = kinds[index];
    if (typeof kind === "string" && kind !== "unknown" && !kind.startsWith("user")) return [];
    return partTexts([part]).filter((one) => !isInstructionBlock(one));
  });
}

/** In 0.169 every part says where it comes from. */
function contentKinds(payload: Json): unknown[] {
  const passthrough = payload.internal_chat_message_metadata_passthrough;
  return isObject(passthrough) && Array.isArray(passthrough.content_item_kinds) ? passthrough.content_item_kinds : [];
}

const SKILL = /^<skill>[\s\S]*<\/skill>$/i;
const AGENTS = /^# AGENTS\.md instructions[\s\S]*<\/INSTRUCTIONS>$/i;

/** Whether a text part is an AGENTS.md, skill or environment block and not the user's. */
export function isInstructionBlock(part: string): boolean {
  const trimmed = part.trim();
  return isContextText(trimmed) || SKILL.test(trimmed) || AGENTS.test(trimmed);
}

function partTexts(content: readonly unknown[]): string[] {
  return content.flatMap((part) => {
    if (!isObject(part)) return [];
    if (typeof part.text === "string") return [part.text];
    return typeof part.type === "string" && part.type.includes("image") ? [IMAGE] : [];
  });
}

function callName(payload: Json): unknown {
  return typeof payload.namespace === "string" && payload.namespace !== ""
    ? `${payload.namespace}.${text(payload.name)}`
    : payload.name;
}

function call(callId: unknown, tool: unknown, input: unknown): RolloutContent | undefined {
  if (typeof tool !== "string") return undefined;
  return { type: "call", callId: text(callId), tool, input: text(input) };
}

function localShellCall(payload: Json): RolloutContent | undefined {
  const { action } = payload;
  if (!isObject(action) || !Array.isArray(action.command)) return undefined;
  const { command, working_directory: workdir } = action;
  const input = JSON.stringify({ command, ...(typeof workdir === "string" && { workdir }) });
  return { type: "call", callId: text(payload.call_id ?? payload.id), tool: "local_shell", input };
}

function outputText(output: unknown): string {
  if (typeof output === "string") return output;
  if (Array.isArray(output)) return partTexts(output).join("\n");
  // Older programs stored the outcome as an object.
  if (isObject(output)) return text(output.content ?? output.output);
  return "";
}

function searchText(action: Json): string {
  const { query, queries, url, pattern } = action;
  if (Array.isArray(queries) && typeof query !== "string")
    return queries.filter((one) => typeof one === "string").join("; ");
  return [query, pattern, url].filter((one) => typeof one === "string").join(" ");
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
