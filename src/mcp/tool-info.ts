import { isObject } from "#lib/jsonl.ts";
import type { SimpleSchema } from "./simplify-schema.ts";

/** What the server says a tool does: only reads, may destroy something or reach the world outside, or nothing of it. */
export type ToolEffect = (typeof EFFECTS)[number];
const EFFECTS = ["reads", "risky", "unknown"] as const;

/** A tool of a server, reduced to what a model is told. Tool lists are stored in this form. */
export interface McpToolInfo {
  /** As the server spells it; calls carry this name. */
  name: string;
  description: string;
  /** JSON schema of the arguments, simplified. */
  parameters: SimpleSchema;
  effect: ToolEffect;
}

/** Long enough for any description a model profits from; a hostile one must not fill the context. */
const DESCRIPTION_LIMIT = 16_384;

/** The usable entries of a `tools/list` answer; entries without a name are left out. */
export function parseToolList(
  result: Readonly<Record<string, unknown>>,
  simplify: (schema: unknown) => SimpleSchema,
): McpToolInfo[] {
  if (!Array.isArray(result.tools)) return [];
  return result.tools.flatMap((entry: unknown) => {
    if (!isObject(entry) || typeof entry.name !== "string" || entry.name === "") return [];
    const description = typeof entry.description === "string" ? entry.description : "";
    return [
      {
        name: entry.name,
        description: description.slice(0, DESCRIPTION_LIMIT).toWellFormed(),
        parameters: simplify(entry.inputSchema),
        effect: effectOf(entry.annotations),
      },
    ];
  });
}

function effectOf(annotations: unknown): ToolEffect {
  if (!isObject(annotations)) return "unknown";
  const { destructiveHint, openWorldHint, readOnlyHint } = annotations;
  if (readOnlyHint === true) return "reads";
  return destructiveHint === true || openWorldHint === true ? "risky" : "unknown";
}

/** Whether a value is an entry of a stored list. */
export function isToolInfo(value: unknown): value is McpToolInfo {
  return (
    isObject(value) &&
    typeof value.name === "string" &&
    typeof value.description === "string" &&
    isObject(value.parameters) &&
    EFFECTS.some((effect) => effect === value.effect)
  );
}
