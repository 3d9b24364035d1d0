import { isObject } from "#lib/jsonl.ts";
import type { SimpleSchema } from "./simplify-schema.ts";

/**
 * What a server says that calls do: only read; change nothing for good and reach nobody outside; or else, also where
 * it does not say, the worst, as MCP has it for hints that are missing.
 */
export type ToolEffect = (typeof EFFECTS)[number];
const EFFECTS = ["reads", "contained", "risky"] as const;

/** A tool of a server, reduced to what a model is told. Tool lists are stored in this form. */
export interface McpToolInfo {
  /** As the server spells it; calls carry this name. */
  name: string;
  description: string;
  /** JSON schema of the arguments, simplified. */
  parameters: SimpleSchema;
  effect: ToolEffect;
  /** It can only be called as a task of the protocol's version 2025-11-25, which we do not do: every call would fail. */
  needsTask?: true;
}

/** The list of a server, and when it gave it. */
export interface CachedTools {
  readonly tools: readonly McpToolInfo[];
  readonly savedAtMs: number;
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
        ...(isObject(entry.execution) && entry.execution.taskSupport === "required" ? { needsTask: true } : {}),
      },
    ];
  });
}

function effectOf(annotations: unknown): ToolEffect {
  if (!isObject(annotations)) return "risky";
  const { destructiveHint, openWorldHint, readOnlyHint } = annotations;
  if (readOnlyHint === true) return "reads";
  return destructiveHint === false && openWorldHint === false ? "contained" : "risky";
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
