/**
 * Items of the Responses API `input`/`output` arrays as the model sees them. Wire names are kept
 * (snake_case). Items of a type not listed here travel as `UnknownItem`: they are stored and echoed
 * unchanged, never interpreted.
 */

/** One part of a message's content. */
export type ContentPart =
  | { type: "input_text"; text: string }
  | { type: "output_text"; text: string }
  | { type: "input_image"; image_url: string; detail?: string };

export type MessageRole = "user" | "assistant" | "developer" | "system";

export interface MessageItem {
  type: "message";
  id?: string;
  role: MessageRole;
  content: ContentPart[];
  /** Set by some models: "commentary" or "final_answer". Kept in history and rollout, not in events. */
  phase?: string;
}

export interface ReasoningItem {
  type: "reasoning";
  id?: string;
  summary: { type: "summary_text"; text: string }[];
  content?: { type: "reasoning_text" | "text"; text: string }[] | null;
  /** Opaque; sent back so that the model keeps its reasoning across requests. */
  encrypted_content?: string | null;
}

export interface FunctionCallItem {
  type: "function_call";
  id?: string;
  name: string;
  /** JSON text exactly as the model wrote it; may be malformed. */
  arguments: string;
  call_id: string;
}

/** Content parts appear where an output holds images. */
export type ToolOutputPayload = string | ContentPart[];

export interface FunctionCallOutputItem {
  type: "function_call_output";
  call_id: string;
  output: ToolOutputPayload;
}

export interface CustomToolCallItem {
  type: "custom_tool_call";
  id?: string;
  status?: string;
  call_id: string;
  name: string;
  input: string;
}

export interface CustomToolCallOutputItem {
  type: "custom_tool_call_output";
  call_id: string;
  output: ToolOutputPayload;
}

export interface LocalShellCallItem {
  type: "local_shell_call";
  id?: string;
  call_id: string | null;
  status: string;
  action: {
    type: "exec";
    command: string[];
    timeout_ms?: number | null;
    working_directory?: string | null;
    env?: Record<string, string> | null;
    user?: string | null;
  };
}

export interface WebSearchCallItem {
  type: "web_search_call";
  id?: string;
  status?: string;
  action?: WebSearchAction;
}

/** The API's action object, unchanged. */
export type WebSearchAction =
  | { type: "search"; query?: string; queries?: string[] }
  | { type: "open_page"; url?: string }
  | { type: "find_in_page"; url?: string; pattern?: string }
  | { type: "other" };

export type KnownItem =
  | MessageItem
  | ReasoningItem
  | FunctionCallItem
  | FunctionCallOutputItem
  | CustomToolCallItem
  | CustomToolCallOutputItem
  | LocalShellCallItem
  | WebSearchCallItem;

/** An item of a type this program does not know; `type` is none of the known ones. */
export interface UnknownItem {
  type: "unknown";
  /** The item as received, with its own `type`. */
  raw: Record<string, unknown>;
}

export type ResponseItem = KnownItem | UnknownItem;

const KNOWN_TYPES: ReadonlySet<string> = new Set<KnownItem["type"]>([
  "message",
  "reasoning",
  "function_call",
  "function_call_output",
  "custom_tool_call",
  "custom_tool_call_output",
  "local_shell_call",
  "web_search_call",
]);

/** Whether an item type is one this program interprets. */
export function isKnownItemType(type: string): boolean {
  return KNOWN_TYPES.has(type);
}

/** The wire object of an item: unknown items unwrap to what was received. */
export function itemToWire(item: ResponseItem): Record<string, unknown> {
  return item.type === "unknown" ? item.raw : { ...item };
}

/** The joined text parts of a message. */
export function messageText(item: MessageItem): string {
  let text = "";
  for (const part of item.content) if (part.type !== "input_image") text += part.text;
  return text;
}

/** A message item with one text part, `output_text` for the assistant and `input_text` otherwise. */
export function textMessage(role: MessageRole, text: string): MessageItem {
  return { type: "message", role, content: [{ type: role === "assistant" ? "output_text" : "input_text", text }] };
}

/** What a person would say was searched: the query, the page, or the text looked for in it. */
export function webSearchQuery(action: WebSearchAction): string {
  switch (action.type) {
    case "search":
      return action.query ?? action.queries?.[0] ?? "";
    case "open_page":
      return action.url ?? "";
    case "find_in_page":
      return `'${action.pattern ?? ""}' in ${action.url ?? ""}`;
    default:
      return "";
  }
}
