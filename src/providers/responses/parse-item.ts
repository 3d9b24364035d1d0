import {
  type ContentPart,
  isKnownItemType,
  type LocalShellCallItem,
  type MessageRole,
  type ReasoningItem,
  type ResponseItem,
  type WebSearchAction,
} from "#protocol/items.ts";
import { isObject, type JsonObject, numberOf, objectsOf, textOf } from "../json-value.ts";

/**
 * The item of an `output_item.added` or `.done` event. Fields that are absent or of a wrong type are
 * filled so that the item can be run and echoed; server-side fields this program has no use for
 * (annotations, status of a function call …) are dropped. Undefined when nothing usable is left.
 */
export function parseItem(raw: unknown): ResponseItem | undefined {
  if (!isObject(raw)) return undefined;
  const type = textOf(raw.type);
  if (type === undefined) return undefined;
  if (!isKnownItemType(type)) return { type: "unknown", raw: { ...raw } };
  return PARSERS[type]?.(raw) ?? undefined;
}

const PARSERS: Readonly<Record<string, (raw: JsonObject) => ResponseItem | undefined>> = {
  message: (raw) => ({
    type: "message",
    ...idOf(raw),
    role: roleOf(raw.role),
    content: contentOf(raw.content),
    ...optionalText("phase", raw.phase),
  }),
  reasoning: parseReasoning,
  function_call: (raw) => {
    const [name, callId] = [textOf(raw.name), callIdOf(raw)];
    if (name === undefined || callId === undefined) return undefined;
    const args = raw.arguments;
    const text = textOf(args) ?? (args === undefined ? "" : JSON.stringify(args));
    return { type: "function_call", ...idOf(raw), name, arguments: text, call_id: callId };
  },
  function_call_output: (raw) => outputItem("function_call_output", raw),
  custom_tool_call: (raw) => {
    const [name, callId] = [textOf(raw.name), callIdOf(raw)];
    if (name === undefined || callId === undefined) return undefined;
    return {
      type: "custom_tool_call",
      ...idOf(raw),
      ...optionalText("status", raw.status),
      call_id: callId,
      name,
      input: textOf(raw.input) ?? "",
    };
  },
  custom_tool_call_output: (raw) => outputItem("custom_tool_call_output", raw),
  local_shell_call: parseLocalShellCall,
  web_search_call: (raw) => ({
    type: "web_search_call",
    ...idOf(raw),
    ...optionalText("status", raw.status),
    ...(isObject(raw.action) ? { action: parseWebSearchAction(raw.action) } : {}),
  }),
};

function outputItem(
  type: "function_call_output" | "custom_tool_call_output",
  raw: JsonObject,
): ResponseItem | undefined {
  const callId = callIdOf(raw);
  if (callId === undefined) return undefined;
  return { type, call_id: callId, output: textOf(raw.output) ?? contentOf(raw.output) };
}

function parseReasoning(raw: JsonObject): ReasoningItem {
  const content = raw.content;
  return {
    type: "reasoning",
    ...idOf(raw),
    summary: objectsOf(raw.summary).map((part) => ({ type: "summary_text", text: textOf(part.text) ?? "" })),
    ...(Array.isArray(content)
      ? {
          content: objectsOf(content).map((part) => ({
            type: part.type === "text" ? "text" : "reasoning_text",
            text: textOf(part.text) ?? "",
          })),
        }
      : {}),
    encrypted_content: textOf(raw.encrypted_content) ?? null,
  };
}

function parseLocalShellCall(raw: JsonObject): LocalShellCallItem | undefined {
  const action = raw.action;
  const callId = callIdOf(raw);
  if (!isObject(action) || !Array.isArray(action.command) || callId === undefined) return undefined;
  const env = action.env;
  return {
    type: "local_shell_call",
    ...idOf(raw),
    call_id: callId,
    status: textOf(raw.status) ?? "completed",
    action: {
      type: "exec",
      command: action.command.map(String),
      timeout_ms: numberOf(action.timeout_ms) ?? null,
      working_directory: textOf(action.working_directory) ?? null,
      env: isObject(env) ? Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)])) : null,
      user: textOf(action.user) ?? null,
    },
  };
}

function parseWebSearchAction(action: JsonObject): WebSearchAction {
  switch (action.type) {
    case "search": {
      const queries = action.queries;
      return {
        type: "search",
        ...optionalText("query", action.query),
        ...(Array.isArray(queries) ? { queries: queries.map(String) } : {}),
      };
    }
    case "open_page":
      return { type: "open_page", ...optionalText("url", action.url) };
    case "find_in_page":
      return {
        type: "find_in_page",
        ...optionalText("url", action.url),
        ...optionalText("pattern", action.pattern),
      };
    default:
      return { type: "other" };
  }
}

function contentOf(content: unknown): ContentPart[] {
  if (typeof content === "string") return [{ type: "output_text", text: content }];
  return objectsOf(content).flatMap((part) => partOf(part) ?? []);
}

function partOf(part: JsonObject): ContentPart | undefined {
  switch (part.type) {
    case "input_text":
      return { type: "input_text", text: textOf(part.text) ?? "" };
    case "output_text":
    case "text":
      return { type: "output_text", text: textOf(part.text) ?? "" };
    case "refusal":
      return { type: "output_text", text: textOf(part.refusal) ?? "" };
    case "input_image": {
      const url = textOf(part.image_url);
      return url === undefined
        ? undefined
        : { type: "input_image", image_url: url, ...optionalText("detail", part.detail) };
    }
    default:
      return undefined;
  }
}

const ROLES: readonly MessageRole[] = ["user", "assistant", "developer", "system"];

function roleOf(role: unknown): MessageRole {
  return ROLES.find((known) => known === role) ?? "assistant";
}

function idOf(raw: JsonObject): { id?: string } {
  const id = textOf(raw.id);
  return id === undefined || id === "" ? {} : { id };
}

/** Call and output are paired by this id: a call without one gets its item's id, one without either is none. */
function callIdOf(raw: JsonObject): string | undefined {
  return textOf(raw.call_id) || textOf(raw.id) || undefined;
}

function optionalText<K extends string>(key: K, value: unknown): { [P in K]?: string } {
  const text = textOf(value);
  return (text === undefined ? {} : { [key]: text }) as { [P in K]?: string };
}
