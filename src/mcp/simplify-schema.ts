import { isObject } from "#lib/jsonl.ts";

/** A JSON schema of the few words every model and provider understands. */
export type SimpleSchema = Readonly<Record<string, unknown>>;

/** Deeper schemas end as "any text"; nobody writes them by hand. */
const MAX_DEPTH = 24;

const KNOWN_TYPES = new Set(["string", "number", "integer", "boolean", "array", "object"]);

/**
 * The argument schema of a tool as the model gets it: one type per value (`["string","null"]` → string,
 * `integer` → number), descriptions, enums, properties (by name), items and required; `$schema` and every other word
 * goes. References within the schema are followed. The result is always of type object.
 */
export function simplifyToolSchema(schema: unknown): SimpleSchema {
  const root = isObject(schema) ? schema : {};
  const simple = simplify(root, { root, depth: 0 });
  return simple.type === "object" ? simple : { type: "object", properties: {} };
}

interface Place {
  root: Readonly<Record<string, unknown>>;
  depth: number;
}

function simplify(schema: unknown, place: Place): SimpleSchema {
  if (!isObject(schema) || place.depth > MAX_DEPTH) return { type: "string" };
  const deeper = { root: place.root, depth: place.depth + 1 };
  const variant = variantOf(schema, place.root);
  if (variant !== undefined) {
    return { ...simplify(variant, deeper), ...describe(schema) };
  }
  const type = typeOf(schema);
  switch (type) {
    case "object":
      return { type, ...describe(schema), ...objectKeys(schema, deeper) };
    case "array":
      return { type, ...describe(schema), items: simplify(schema.items ?? {}, deeper) };
    default:
      return { type: type === "integer" ? "number" : type, ...describe(schema), ...enumOf(schema) };
  }
}

function describe(schema: Readonly<Record<string, unknown>>): { description?: string } {
  return typeof schema.description === "string" ? { description: schema.description.toWellFormed() } : {};
}

function enumOf(schema: Readonly<Record<string, unknown>>): { enum?: unknown[] } {
  const values = Array.isArray(schema.enum) ? schema.enum : schema.const === undefined ? [] : [schema.const];
  const plain = values.filter((value) => typeof value === "string" || typeof value === "number");
  return plain.length > 0 && plain.length === values.length ? { enum: plain } : {};
}

function objectKeys(schema: Readonly<Record<string, unknown>>, place: Place): SimpleSchema {
  const properties = isObject(schema.properties) ? schema.properties : {};
  const names = Object.keys(properties).sort();
  const { additionalProperties } = schema;
  return {
    properties: Object.fromEntries(names.map((name) => [name, simplify(properties[name], place)])),
    ...(Array.isArray(schema.required) ? { required: schema.required.filter((name) => typeof name === "string") } : {}),
    ...(typeof additionalProperties === "boolean" ? { additionalProperties } : {}),
    ...(isObject(additionalProperties) ? { additionalProperties: simplify(additionalProperties, place) } : {}),
  };
}

/** The type a schema names, or the one its other words speak of. */
function typeOf(schema: Readonly<Record<string, unknown>>): string {
  const named = Array.isArray(schema.type) ? schema.type : [schema.type];
  const known = named.find((type) => typeof type === "string" && KNOWN_TYPES.has(type));
  if (typeof known === "string") return known;
  const has = (...words: string[]) => words.some((word) => schema[word] !== undefined);
  if (has("properties", "required", "additionalProperties")) return "object";
  if (has("items", "prefixItems")) return "array";
  if (has("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")) return "number";
  return "string";
}

/** The schema that stands for this one: what it refers to, or the first choice that is not null. */
function variantOf(schema: Readonly<Record<string, unknown>>, root: Readonly<Record<string, unknown>>): unknown {
  if (typeof schema.$ref === "string") return referenced(schema.$ref, root);
  if (schema.type !== undefined) return undefined;
  const choices = [schema.anyOf, schema.oneOf, schema.allOf].find((list) => Array.isArray(list) && list.length > 0);
  if (!Array.isArray(choices)) return undefined;
  return choices.find((choice) => isObject(choice) && choice.type !== "null") ?? choices[0];
}

function referenced(reference: string, root: Readonly<Record<string, unknown>>): unknown {
  if (!reference.startsWith("#/")) return {};
  let at: unknown = root;
  for (const step of reference.slice(2).split("/")) {
    const key = step.replaceAll("~1", "/").replaceAll("~0", "~");
    if (!isObject(at) || !Object.hasOwn(at, key)) return {};
    at = at[key];
  }
  return at;
}
