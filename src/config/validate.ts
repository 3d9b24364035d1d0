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
  /** Keys down to the value that is looked at: one list that grows and shrinks, for this runs at every start. */
  readonly path: string[];
  problem: Problem | undefined;
  unknown: string[][];
  notes: string[];
}

/** Checks a merged table against the schema. Stops being thorough at the first problem. */
export function validate(table: TomlTable, schema: SchemaNode): Validation {
  const walk: Walk = { path: [], problem: undefined, unknown: [], notes: [] };
  const value = check(table, schema, walk) ?? {};
  const { problem, unknown, notes } = walk;
  return { value: value as Record<string, unknown>, problem, unknown, notes };
}

function fail(walk: Walk, message: string): undefined {
  walk.problem ??= { path: [...walk.path], message };
  return undefined;
}

function wrongType(walk: Walk, value: unknown, expected: string): undefined {
  return fail(walk, `invalid type: ${describe(value)}, expected ${expected}`);
}

/** Checks what stands under `key` of the value that is looked at. */
function checkAt(key: string, value: unknown, node: SchemaNode, walk: Walk): unknown {
  walk.path.push(key);
  const result = check(value, node, walk);
  walk.path.pop();
  return result;
}

function check(value: unknown, node: SchemaNode, walk: Walk): unknown {
  switch (node.kind) {
    case "string":
      return typeof value === "string" ? value : wrongType(walk, value, "a string");
    case "path":
      return typeof value === "string" ? value : wrongType(walk, value, "path string");
    case "boolean":
      return typeof value === "boolean" ? value : wrongType(walk, value, "a boolean");
    case "integer":
      return checkInteger(value, node.range, walk);
    case "number":
      return typeof value === "number" || typeof value === "bigint" ? Number(value) : wrongType(walk, value, "f64");
    case "enum":
      return checkEnum(value, node, walk);
    case "array":
      if (!Array.isArray(value)) return wrongType(walk, value, "a sequence");
      return value.map((item, index) => checkAt(String(index), item, node.items, walk));
    case "map":
      return checkMap(value, node, walk);
    case "table":
      return checkTable(value, node, walk);
    case "either":
      return checkEither(value, node, walk);
    case "anything":
      return plain(value);
  }
}

function checkInteger(value: unknown, range: IntegerRange, walk: Walk): number | undefined {
  if (typeof value !== "bigint") return wrongType(walk, value, range.name);
  const number = Number(value);
  if (number >= range.min && number <= range.max) return number;
  const least = range.min > 0 && number >= 0;
  return fail(
    walk,
    least
      ? `${walk.path.join(".")} must be at least ${range.min}`
      : `invalid value: integer \`${value}\`, expected ${range.name}`,
  );
}

function checkEnum(value: unknown, node: SchemaNode & { kind: "enum" }, walk: Walk): unknown {
  if (typeof value !== "string") return wrongType(walk, value, variants(node.values));
  if (node.values.includes(value)) return value;
  if (Object.hasOwn(node.aliases, value)) return node.aliases[value];
  const near = Object.hasOwn(node.later, value) ? node.later[value] : undefined;
  if (near === undefined) return fail(walk, `unknown variant \`${value}\`, expected ${variants(node.values)}`);
  walk.notes.push(`${walk.path.join(".")} = "${value}" is not supported; "${near}" is used instead`);
  return near;
}

function variants(values: readonly string[]): string {
  const quoted = values.map((value) => `\`${value}\``);
  if (quoted.length <= 2) return quoted.join(" or ");
  return `one of ${quoted.join(", ")}`;
}

function checkMap(value: unknown, node: SchemaNode & { kind: "map" }, walk: Walk): unknown {
  if (!isTable(value)) return wrongType(walk, value, "a map");
  const result = emptyTable() as Record<string, unknown>;
  for (const [key, item] of Object.entries(value)) result[key] = checkAt(key, item, node.values, walk);
  return result;
}

function checkTable(value: unknown, node: SchemaNode & { kind: "table" }, walk: Walk): unknown {
  if (!isTable(value)) return wrongType(walk, value, "a table");
  const wrong = node.check?.(value);
  if (wrong !== undefined) return fail(walk, wrong);
  const result: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const field = Object.hasOwn(node.fields, key) ? node.fields[key] : undefined;
    if (field !== undefined) result[key] = checkAt(key, item, field.schema, walk);
    else {
      walk.unknown.push([...walk.path, key]);
      if (node.rest !== undefined) checkAt(key, item, node.rest, walk);
    }
  }
  fillDefaults(result, node.fields, walk);
  return result;
}

/** Keys that mean something when they are absent: the same few of every table of a kind. */
const TELLING = new WeakMap<Fields, readonly (readonly [string, Fields[string]])[]>();

function tellingFields(fields: Fields): readonly (readonly [string, Fields[string]])[] {
  let telling = TELLING.get(fields);
  if (telling === undefined) {
    telling = Object.entries(fields).filter(([, field]) => field.required || field.section || "default" in field);
    TELLING.set(fields, telling);
  }
  return telling;
}

function fillDefaults(result: Record<string, unknown>, fields: Fields, walk: Walk): void {
  for (const [key, field] of tellingFields(fields)) {
    if (Object.hasOwn(result, key)) continue;
    if (field.required) fail(walk, `missing field \`${key}\``);
    else if (field.section) result[key] = checkAt(key, emptyTable(), field.schema, walk);
    else result[key] = copyOf(field.default);
  }
}

function copyOf(value: unknown): unknown {
  return typeof value === "object" ? structuredClone(value) : value;
}

function checkEither(value: unknown, node: SchemaNode & { kind: "either" }, walk: Walk): unknown {
  const problems: Problem[] = [];
  for (const option of node.options) {
    const attempt: Walk = { path: [...walk.path], problem: undefined, unknown: [], notes: [] };
    const result = check(value, option, attempt);
    if (attempt.problem === undefined) {
      walk.unknown.push(...attempt.unknown);
      walk.notes.push(...attempt.notes);
      return result;
    }
    if (!attempt.problem.message.startsWith("invalid type")) problems.push(attempt.problem);
    else if (attempt.problem.path.length > walk.path.length) problems.push(attempt.problem);
  }
  return failEither(value, node.expected, problems[0], walk);
}

/** An option of the right outer type says best what is wrong; a wrong word is told all that could stand there. */
function failEither(value: unknown, expected: string, nearest: Problem | undefined, walk: Walk): undefined {
  if (nearest === undefined) return wrongType(walk, value, expected);
  if (typeof value === "string") return fail(walk, `unknown variant \`${value}\`, expected ${expected}`);
  walk.problem ??= nearest;
  return undefined;
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
