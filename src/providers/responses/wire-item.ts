import { assertNever } from "#lib/errors.ts";
import type { ReasoningItem, ResponseItem } from "#protocol/items.ts";

/**
 * The item as a request carries it, keys in the order 0.101 sends them. Ids go along only where the
 * server stores responses (`keepIds`); elsewhere an id would point to nothing.
 */
export function wireItem(item: ResponseItem, keepIds: boolean): Record<string, unknown> {
  if (item.type === "unknown") return item.raw;
  const wire = withoutId(item);
  return keepIds && "id" in item && item.id !== undefined ? { ...wire, id: item.id } : wire;
}

function withoutId(item: Exclude<ResponseItem, { type: "unknown" }>): Record<string, unknown> {
  switch (item.type) {
    case "message": {
      const { type, role, content, phase } = item;
      return { type, role, content, ...(phase === undefined ? {} : { phase }) };
    }
    case "reasoning":
      return {
        type: item.type,
        summary: item.summary,
        ...reasoningContent(item),
        encrypted_content: item.encrypted_content ?? null,
      };
    case "function_call":
      return { type: item.type, name: item.name, arguments: item.arguments, call_id: item.call_id };
    case "custom_tool_call": {
      const { type, status, call_id, name, input } = item;
      return { type, ...(status === undefined ? {} : { status }), call_id, name, input };
    }
    case "function_call_output":
    case "custom_tool_call_output":
      return { type: item.type, call_id: item.call_id, output: item.output };
    case "local_shell_call": {
      const { command, timeout_ms = null, working_directory = null, env = null, user = null } = item.action;
      const action = { type: "exec", command, timeout_ms, working_directory, env, user };
      return { type: item.type, call_id: item.call_id, status: item.status, action };
    }
    case "web_search_call": {
      const { type, status, action } = item;
      return { type, ...(status === undefined ? {} : { status }), ...(action === undefined ? {} : { action }) };
    }
    default:
      return assertNever(item);
  }
}

/** null when there is none; raw reasoning is sent back, other content is left out. */
function reasoningContent(item: ReasoningItem): { content?: ReasoningItem["content"] } {
  const { content } = item;
  if (content === undefined || content === null) return { content: null };
  return content.some((part) => part.type === "reasoning_text") ? { content } : {};
}
