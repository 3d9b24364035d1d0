import type { Fields, IntegerRange, SchemaNode } from "./kinds.ts";
import { emptyTable, isTable, type TomlTable } from "./toml-table.ts";

/** The first thing wrong with a configuration: where, and what was found and expected. */
export interface Problem {
  path: string[];
  message: string;
}

export interface Validation {
  /** The table with defaults filled in and unknown keys left out; only meaningful without a problem. */
  value: Record<string, unknown>;
  problem: Problem | undefined;
  /** Keys that the schema does not have, in the order found. */
  unknown: string[][];
  /** Values of later versions that were taken as something else. */
  notes: string[];
}

interface Walk {
  problem: Problem | undefined;
  unknown: string[][];
  notes: string[];
}

/** Checks a merged table against the schema. Stops being thorough at the first problem. */
export function validate(table: TomlTable, schema: SchemaNode): Validation {
  const walk: Walk = { problem: undefined, unknown: [], notes: [] };
  const value = check(table, schema, [], walk);
  return { value: (value ?? {}) as Record<string, unknown>, ...walk };
}

function fail(walk: Walk, path: string[], message: string): undefined {
  walk.problem ??= { path, message };
  return undefined;
}

function wrongType(walk: Walk, path: string[], value: unknown, expected: string): undefined {
  return fail(walk, path, `invalid type: ${describe(value)}, expected ${expected}`);
}

function check(value: unknown, node: SchemaNode, path: string[], walk: Walk): unknown {
  switch (node.kind) {
    case "string":
      return typeof value === "string" ? value : wrongType(walk, path, value, "a string");
    case "path":
      return typeof value === "string" ? value : wrongType(walk, path, value, "path string");
    case "boolean":
      return typeof value === "boolean" ? value : wrongType(walk, path, value, "a boolean");
    case "integer":
      return checkInteger(value, node.range, path, walk);
    case "number":
      return typeof value === "number" || typeof value === "bigint"
        ? Number(value)
        : wrongType(walk, path, value, "f64");
    case "enum":
      return checkEnum(value, node, path, walk);
    case "array":
      if (!Array.isArray(value)) return wrongType(walk, path, value, "a sequence");
      return value.map((item, index) => check(item, node.items, [...path, String(index)], walk));
    case "map":
      return checkMap(value, node, path, walk);
    case "table":
      return checkTable(value, node, path, walk);
    case "either":
      return checkEither(value, node, path, walk);
    case "anything":
      return plain(value);
  }
}

function checkInteger(value: unknown, range: IntegerRange, path: string[], walk: Walk): number | undefined {
  if (typeof value !== "bigint") return wrongType(walk, path, value, range.name);
  const number = Number(value);
  if (number >= range.min && number <= range.max) return number;
  const least = range.min > 0 && number >= 0;
  return fail(
    walk,
    path,
    least
      ? `${path.join(".")} must be at least ${range.min}`
      : `invalid value: integer \`${value}\`, expected ${range.name}`,
  );
}

function checkEnum(value: unknown, node: SchemaNode & { kind: "enum" }, path: string[], walk: Walk): unknown {
  if (typeof value !== "string") return wrongType(walk, path, value, variants(node.values));
  if (node.values.includes(value)) return value;
  if (Object.hasOwn(node.aliases, value)) return node.aliases[value];
  const near = Object.hasOwn(node.later, value) ? node.later[value] : undefined;
  if (near === undefined) return fail(walk, path, `unknown variant \`${value}\`, expected ${variants(node.values)}`);
  walk.notes.push(`${path.join(".")} = "${value}" is not supported; "${near}" is used instead`);
  return near;
}

function variants(values: readonly string[]): string {
  const quoted = values.map((value) => `\`${value}\``);
  if (quoted.length <= 2) return quoted.join(" or ");
  return `one of ${quoted.join(", ")}`;
}

function checkMap(value: unknown, node: SchemaNode & { kind: "map" }, path: string[], walk: Walk): unknown {
  if (!isTable(value)) return wrongType(walk, path, value, "a map");
  const result = emptyTable() as Record<string, unknown>;
  for (const [key, item] of Object.entries(value)) result[key] = check(item, node.values, [...path, key], walk);
  return result;
}

function checkTable(value: unknown, node: SchemaNode & { kind: "table" }, path: string[], walk: Walk): unknown {
  if (!isTable(value)) return wrongType(walk, path, value, "a table");
  const wrong = node.check?.(value);
  if (wrong !== undefined) return fail(walk, path, wrong);
  const result: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const field = Object.hasOwn(node.fields, key) ? node.fields[key] : undefined;
    if (field !== undefined) result[key] = check(item, field.schema, [...path, key], walk);
    else {
      walk.unknown.push([...path, key]);
      if (node.rest !== undefined) check(item, node.rest, [...path, key], walk);
    }
  }
  fillDefaults(result, node.fields, path, walk);
  return result;
}

function fillDefaults(result: Record<string, unknown>, fields: Fields, path: string[], walk: Walk): void {
  for (const [key, field] of Object.entries(fields)) {
    if (Object.hasOwn(result, key)) continue;
    if (field.required) fail(walk, path, `missing field \`${key}\``);
    else if (field.section) result[key] = check(emptyTable(), field.schema, [...path, key], walk);
    else if ("default" in field) result[key] = copyOf(field.default);
  }
}

function copyOf(value: unknown): unknown {
  return typeof value === "object" ? structuredClone(value) : value;
}

function checkEither(value: unknown, node: SchemaNode & { kind: "either" }, path: string[], walk: Walk): unknown {
  const problems: Problem[] = [];
  for (const option of node.options) {
    const attempt: Walk = { problem: undefined, unknown: [], notes: [] };
    const result = check(value, option, path, attempt);
    if (attempt.problem === undefined) {
      walk.unknown.push(...attempt.unknown);
      walk.notes.push(...attempt.notes);
      return result;
    }
    if (!attempt.problem.message.startsWith("invalid type")) problems.push(attempt.problem);
    else if (attempt.problem.path.length > path.length) problems.push(attempt.problem);
  }
  return failEither(value, node.expected, problems[0], path, walk);
}

/** An option of the right outer type says best what is wrong; a wrong word is told all that could stand there. */
function failEither(
  value: unknown,
  expected: string,
  nearest: Problem | undefined,
  path: string[],
  walk: Walk,
): undefined {
  if (nearest === undefined) return wrongType(walk, path, value, expected);
  if (typeof value === "string") return fail(walk, path, `unknown variant \`${value}\`, expected ${expected}`);
  return fail(walk, nearest.path, nearest.message);
}

/** A value as errors call it, in the wording Codex CLI uses. */
function describe(value: unknown): string {
  if (typeof value === "string") return `string ${JSON.stringify(value)}`;
  if (typeof value === "boolean") return `boolean \`${value}\``;
  if (typeof value === "bigint") return `integer \`${value}\``;
  if (typeof value === "number") return `floating point \`${Number.isInteger(value) ? value.toFixed(1) : value}\``;
  return Array.isArray(value) ? "sequence" : "map";
}

/** The value as JSON would have it: big integers become numbers. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (!isTable(value)) return value;
  const copy = emptyTable() as Record<string, unknown>;
  for (const [key, item] of Object.entries(value)) copy[key] = plain(item);
  return copy;
}
