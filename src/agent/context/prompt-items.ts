import type { ResponseItem } from "#protocol/items.ts";
import type { ModelInfo } from "#providers/model-catalog.ts";
import { structuredToText } from "#tools/shell/structured-output.ts";

/** Tools whose outputs are stored as `{"output","metadata"}` JSON, in rollouts as well. */
const STRUCTURED_TOOLS: ReadonlySet<string> = new Set(["shell", "container.exec", "apply_patch"]);

/** Rewriting is pure and items are immutable, so each item is rewritten once, not once a request. */
const rewritten = new WeakMap<ResponseItem, ResponseItem>();

/**
 * The history in the form a model is shown: stored JSON outputs of shell and patch calls become plain
 * text for models with the freeform patch tool; other models get the JSON as it is.
 */
export function promptItems(items: readonly ResponseItem[], model: ModelInfo): ResponseItem[] {
  if (!model.freeformApplyPatch) return [...items];
  const structured = new Set<string>();
  return items.map((item) => {
    switch (item.type) {
      case "function_call":
      case "custom_tool_call":
        if (STRUCTURED_TOOLS.has(item.name)) structured.add(item.call_id);
        return item;
      case "local_shell_call":
        if (item.call_id !== null) structured.add(item.call_id);
        return item;
      case "function_call_output":
      case "custom_tool_call_output":
        return structured.has(item.call_id) ? plainOutput(item) : item;
      default:
        return item;
    }
  });
}

function plainOutput(item: Extract<ResponseItem, { call_id: string; output: unknown }>): ResponseItem {
  const known = rewritten.get(item);
  if (known !== undefined) return known;
  const text = typeof item.output === "string" ? structuredToText(item.output) : null;
  const plain = text === null ? item : { ...item, output: text };
  rewritten.set(item, plain);
  return plain;
}
