import { isObject } from "#lib/jsonl.ts";

/** A tool as its server lists it, reduced to what a model is told. */
export interface McpToolInfo {
  /** As the server spells it; calls carry this name. */
  name: string;
  description: string;
  /** JSON schema of the arguments, unchecked. */
  inputSchema: unknown;
}

/** Long enough for any description a model profits from; a hostile one must not fill the context. */
const DESCRIPTION_LIMIT = 16_384;

/** The usable entries of a `tools/list` answer; entries without a name are left out. */
export function parseToolList(result: Readonly<Record<string, unknown>>): McpToolInfo[] {
  if (!Array.isArray(result.tools)) return [];
  return result.tools.flatMap((entry: unknown) => parseTool(entry) ?? []);
}

function parseTool(entry: unknown): McpToolInfo | undefined {
  if (!isObject(entry) || typeof entry.name !== "string" || entry.name === "") return undefined;
  const description = typeof entry.description === "string" ? entry.description : "";
  return {
    name: entry.name,
    description: description.slice(0, DESCRIPTION_LIMIT).toWellFormed(),
    inputSchema: entry.inputSchema ?? { type: "object", properties: {} },
  };
}
