import { isObject } from "#lib/jsonl.ts";

/** A JSON schema of the few words every model and provider understands. */
export type SimpleSchema = Readonly<Record<string, unknown>>;

/** Deeper schemas end as "any text"; nobody writes them by hand. */
const MAX_DEPTH = 24;

const KNOWN_TYPES = new Set(["string", "number", "integer", "boolean", "array", "object"]);

/** References let a small schema stand for one of any size; what is beyond this many parts ends as "any text", too. */
const MAX_PARTS = 5_000;
/** The same for all schemas of a server together. */
const MAX_LIST_PARTS = 1_000_000;
/** A schema that is longer when written would fill the context of every request; it is left out. */
const MAX_CHARS = 256 << 10;

/** How many parts the schemas of one list may still have. */
export interface SchemaBudget {
  parts: number;
}

/** For a new list. */
export function schemaBudget(): SchemaBudget {
  return { parts: MAX_LIST_PARTS };
}

/**
 * The argument schema of a tool as the model gets it: one type per value (`["string","null"]` → string,
 * `integer` → number), descriptions, enums, properties (by name), items and required; `$schema` and every other word
 * goes. References within the schema are followed, but not into themselves. The result is always of type object.
 */
export function simplifyToolSchema(schema: unknown, list: SchemaBudget = schemaBudget()): SimpleSchema {
  const root = isObject(schema) ? schema : {};
  const given = Math.min(MAX_PARTS, list.parts);
  const budget = { parts: given };
  const simple = simplify(root, { root, depth: 0, open: [], budget });
  list.parts -= given - Math.max(0, budget.parts);
  const isUsable = simple.type === "object" && JSON.stringify(simple).length <= MAX_CHARS;
  return isUsable ? simple : { type: "object", properties: {} };
}

interface Place {
  root: Readonly<Record<string, unknown>>;
  depth: number;
  /** The references that led here. */
  open: readonly string[];
  budget: SchemaBudget;
}

function simplify(schema: unknown, place: Place): SimpleSchema {
  if (!isObject(schema) || place.depth > MAX_DEPTH || place.budget.parts <= 0) return { type: "string" };
  place.budget.parts -= costOf(schema);
  const deeper = { ...place, depth: place.depth + 1 };
  if (typeof schema.$ref === "string") return { ...follow(schema.$ref, deeper), ...describe(schema) };
  const variant = variantOf(schema);
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

/** A kilobyte of text and a list of 64 count as one part more: references repeat them, too. */
function costOf(schema: Readonly<Record<string, unknown>>): number {
  let cost = 1;
  for (const text of [schema.description, schema.$ref]) if (typeof text === "string") cost += text.length >> 10;
  const { type, required, anyOf, oneOf, allOf } = schema;
  for (const list of [type, schema.enum, required, anyOf, oneOf, allOf]) {
    if (Array.isArray(list)) cost += list.length >> 6;
  }
  return cost;
}

/** What a reference stands for; one within itself stands for its type alone. */
function follow(reference: string, place: Place): SimpleSchema {
  const target = referenced(reference, place.root);
  const isOpen = place.open.includes(reference);
  if (!isOpen || !isObject(target)) return simplify(target, { ...place, open: [...place.open, reference] });
  const type = typeOf(target);
  return simplify({ type, ...describe(target) }, place);
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

/** The schema that stands for this one: the first choice that is not null. */
function variantOf(schema: Readonly<Record<string, unknown>>): unknown {
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
