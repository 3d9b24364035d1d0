import type { ToolSpec } from "#providers/tool-list.ts";

/** JSON schema of one argument; every text is for the model. */
export type PropertySchema = Readonly<Record<string, unknown>>;

/** A function tool as requests list it: properties in alphabetical order, nothing else allowed. */
export function functionSpec(
  name: string,
  description: string,
  properties: Readonly<Record<string, PropertySchema>>,
  required: readonly string[],
): ToolSpec {
  const sorted = Object.fromEntries(Object.entries(properties).sort(([a], [b]) => (a < b ? -1 : 1)));
  const parameters = { type: "object", properties: sorted, required, additionalProperties: false };
  return { type: "function", name, description: description.trim(), strict: false, parameters };
}
