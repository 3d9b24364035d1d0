import { isObject } from "#lib/jsonl.ts";
import type {
  ContentPart,
  LocalShellCallItem,
  MessageItem,
  MessageRole,
  ReasoningItem,
  ResponseItem,
  ToolOutputPayload,
  WebSearchAction,
} from "#protocol/items.ts";

/** Kept in rollouts for a program's own use, or tied to tools that are not offered here: never sent to a model. */
const NOT_REPLAYED: ReadonlySet<string> = new Set([
  "ghost_snapshot",
  "other",
  "additional_tools",
  "tool_search_call",
  "tool_search_output",
]);

type Json = Record<string, unknown>;

/**
 * A stored response item as history: exactly the fields that belong in a request, without ids, statuses
 * and bookkeeping that later versions add. A broken item, or one that must not be replayed, gives null.
 */
export function storedItem(raw: Json): ResponseItem | null {
  switch (raw.type) {
    case "message":
      return message(raw);
    case "reasoning":
      return reasoning(raw);
    case "function_call":
      return functionCall(raw);
    case "custom_tool_call":
      return customToolCall(raw);
    case "function_call_output":
    case "custom_tool_call_output":
      return toolOutput(raw, raw.type);
    case "local_shell_call":
      return localShellCall(raw);
    case "web_search_call":
      return {
        type: "web_search_call",
        ...(typeof raw.status === "string" && { status: raw.status }),
        ...(isWebSearchAction(raw.action) && { action: raw.action }),
      };
    default:
      return typeof raw.type === "string" && !NOT_REPLAYED.has(raw.type) ? { type: "unknown", raw } : null;
  }
}

function message(raw: Json): MessageItem | null {
  if (!isRole(raw.role) || !Array.isArray(raw.content)) return null;
  const content = contentParts(raw.content);
  if (content.length === 0) return null;
  return { type: "message", role: raw.role, content, ...(typeof raw.phase === "string" && { phase: raw.phase }) };
}

function isRole(value: unknown): value is MessageRole {
  return value === "user" || value === "assistant" || value === "developer" || value === "system";
}

function contentParts(parts: readonly unknown[]): ContentPart[] {
  return parts.flatMap((part): ContentPart[] => {
    if (!isObject(part)) return [];
    const { type, text, image_url, detail, refusal } = part;
    if ((type === "input_text" || type === "output_text") && typeof text === "string") return [{ type, text }];
    if (type === "input_image" && typeof image_url === "string") {
      return [{ type, image_url, ...(typeof detail === "string" && { detail }) }];
    }
    if (type === "refusal" && typeof refusal === "string") return [{ type: "output_text", text: refusal }];
    return [];
  });
}

function reasoning(raw: Json): ReasoningItem | null {
  const summary = texts(raw.summary).map((part) => ({ type: "summary_text" as const, text: part.text }));
  const content = Array.isArray(raw.content)
    ? texts(raw.content).map(({ type, text }) => ({
        type: type === "text" ? ("text" as const) : ("reasoning_text" as const),
        text,
      }))
    : null;
  const encrypted = typeof raw.encrypted_content === "string" ? raw.encrypted_content : null;
  return { type: "reasoning", summary, content, encrypted_content: encrypted };
}

function texts(value: unknown): { type: unknown; text: string }[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((part: unknown) =>
    isObject(part) && typeof part.text === "string" ? [{ type: part.type, text: part.text }] : [],
  );
}

function functionCall(raw: Json): ResponseItem | null {
  const { name, arguments: args, call_id, namespace } = raw;
  if (typeof name !== "string" || typeof args !== "string" || typeof call_id !== "string") return null;
  // 0.169 splits `mcp__server__tool` into a namespace and a name; one flat name is what is listed here.
  const flat = typeof namespace === "string" && namespace.startsWith("mcp__") ? `${namespace}__${name}` : name;
  return { type: "function_call", name: flat, arguments: args, call_id };
}

function customToolCall(raw: Json): ResponseItem | null {
  const { name, input, call_id, status } = raw;
  if (typeof name !== "string" || typeof input !== "string" || typeof call_id !== "string") return null;
  return { type: "custom_tool_call", ...(typeof status === "string" && { status }), call_id, name, input };
}

function toolOutput(raw: Json, type: "function_call_output" | "custom_tool_call_output"): ResponseItem | null {
  if (typeof raw.call_id !== "string") return null;
  const output = outputPayload(raw.output);
  return output === undefined ? null : { type, call_id: raw.call_id, output };
}

function outputPayload(value: unknown): ToolOutputPayload | undefined {
  if (typeof value === "string") return value;
  return Array.isArray(value) ? contentParts(value) : undefined;
}

function localShellCall(raw: Json): LocalShellCallItem | null {
  const { action, call_id, status } = raw;
  if (!isObject(action) || !isStringArray(action.command)) return null;
  const env = isObject(action.env) ? stringEntries(action.env) : null;
  return {
    type: "local_shell_call",
    call_id: typeof call_id === "string" ? call_id : null,
    status: typeof status === "string" ? status : "completed",
    action: {
      type: "exec",
      command: action.command,
      timeout_ms: typeof action.timeout_ms === "number" ? action.timeout_ms : null,
      working_directory: typeof action.working_directory === "string" ? action.working_directory : null,
      env,
      user: typeof action.user === "string" ? action.user : null,
    },
  };
}

function isStringArray(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === "string");
}

function stringEntries(value: Json): Record<string, string> {
  const entries = Object.entries(value).flatMap(([key, text]) => (typeof text === "string" ? [[key, text]] : []));
  return Object.fromEntries(entries) as Record<string, string>;
}

/** The action travels unchanged, so only its discriminator is looked at. */
function isWebSearchAction(value: unknown): value is WebSearchAction {
  return isObject(value) && typeof value.type === "string";
}
