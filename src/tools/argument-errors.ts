import { JsonFault, JsonReader } from "./json-reader.ts";
import { rustDebug } from "./rust-debug.ts";

/**
 * How one argument is read. A reader stands before the value, consumes it and returns it, or throws a
 * JsonFault worded as Codex CLI words it, for the model reads these texts and programs quote them.
 */
export type ArgumentType<T> = (reader: JsonReader) => T;

interface Field<T> {
  type: ArgumentType<T>;
  required: boolean;
}
type Fields = Readonly<Record<string, Field<unknown>>>;

type ValueOf<F> = F extends { type: ArgumentType<infer T> } ? T : never;
type RequiredNames<F extends Fields> = { [N in keyof F]: F[N]["required"] extends true ? N : never }[keyof F];

/** The object a shape describes: required fields are there, the others may be. */
export type ArgumentsOf<F extends Fields> = { [N in RequiredNames<F>]: ValueOf<F[N]> } & {
  [N in Exclude<keyof F, RequiredNames<F>>]?: ValueOf<F[N]>;
};

/** A field that must be given. */
export function required<T>(type: ArgumentType<T>): { type: ArgumentType<T>; required: true } {
  return { type, required: true };
}

/** A field that may be left out, but not null. */
export function defaulted<T>(type: ArgumentType<T>): { type: ArgumentType<T>; required: false } {
  return { type, required: false };
}

/** A field that may be left out or null. */
export function optional<T>(type: ArgumentType<T>): { type: ArgumentType<T | undefined>; required: false } {
  return {
    type: (reader) => {
      if (reader.peek() !== "n") return type(reader);
      reader.word("null");
      return undefined;
    },
    required: false,
  };
}

export const text: ArgumentType<string> = (reader) => {
  if (reader.peek() !== '"') throw wrongType(reader, "a string");
  return reader.string();
};

export const flag: ArgumentType<boolean> = (reader) => {
  const next = reader.peek();
  if (next !== "t" && next !== "f") throw wrongType(reader, "a boolean");
  reader.word(next === "t" ? "true" : "false");
  return next === "t";
};

/** A whole number of one of the sizes that the arguments have. */
export function integer(kind: "u64" | "usize" | "i32"): ArgumentType<number> {
  return (reader) => {
    if (!isNumberStart(reader.peek())) throw wrongType(reader, kind);
    const digits = reader.number();
    const whole = /^-?\d+$/.test(digits);
    if (!whole || BigInt(digits) > 2n ** 64n - 1n) {
      throw reader.fault(`invalid type: ${describeNumber(digits)}, expected ${kind}`);
    }
    const value = Number(digits);
    const fits = kind === "i32" ? value >= -(2 ** 31) && value < 2 ** 31 : value >= 0;
    if (!fits) throw reader.fault(`invalid value: ${describeNumber(digits)}, expected ${kind}`);
    return value;
  };
}

export function list<T>(type: ArgumentType<T>): ArgumentType<T[]> {
  return (reader) => {
    if (reader.peek() !== "[") throw wrongType(reader, "a sequence");
    const items: T[] = [];
    readItems(reader, () => items.push(type(reader)));
    return items;
  };
}

/** One of a few words. */
export function choice<const W extends readonly string[]>(words: W): ArgumentType<W[number]> {
  return (reader) => {
    if (reader.peek() !== '"') throw reader.peekFault("expected value");
    const found = reader.string();
    const word = words.find((candidate) => candidate === found);
    if (word === undefined) throw reader.fault(`unknown variant \`${found}\`, expected ${alternatives(words)}`);
    return word;
  };
}

/** An object. `strict` refuses fields that are not listed; otherwise they are read over. */
export function struct<F extends Fields>(
  name: string,
  fields: F,
  options: { strict?: boolean; aliases?: Readonly<Record<string, string>> } = {},
): ArgumentType<ArgumentsOf<F>> {
  return (reader) => {
    const next = reader.peek();
    if (next === undefined) throw reader.peekFault("EOF while parsing a value");
    if (next === "[") return readPositional(reader, name, fields) as ArgumentsOf<F>;
    if (next !== "{") throw wrongType(reader, `struct ${name}`);
    const values = new Map<string, unknown>();
    readMembers(reader, (key) => {
      const field = options.aliases?.[key] ?? key;
      const type = Object.hasOwn(fields, field) ? fields[field]?.type : undefined;
      if (type === undefined) return readUnknown(reader, key, options.strict ? Object.keys(fields) : undefined);
      if (values.has(field)) throw reader.fault(`duplicate field \`${field}\``);
      return () => values.set(field, type(reader));
    });
    const missing = Object.keys(fields).find((key) => fields[key]?.required && !values.has(key));
    if (missing !== undefined) throw reader.fault(`missing field \`${missing}\``);
    return Object.fromEntries(values) as ArgumentsOf<F>;
  };
}

/** The arguments of a call, or the text that tells the model what is wrong with them. */
export function parseArguments<T>(json: string, type: ArgumentType<T>): { value: T } | { error: string } {
  try {
    const reader = new JsonReader(json);
    const value = type(reader);
    reader.end();
    return { value };
  } catch (error) {
    if (error instanceof JsonFault) return { error: `failed to parse function arguments: ${error.message}` };
    throw error;
  }
}

/** What is wrong with a text that should be JSON, whatever its shape; undefined when it is JSON. */
export function jsonFault(json: string): string | undefined {
  try {
    const reader = new JsonReader(json);
    readAnything(reader);
    reader.end();
    return undefined;
  } catch (error) {
    if (error instanceof JsonFault) return error.message;
    throw error;
  }
}

/** Reads `{…}`. For each key, `member` returns what consumes the value once the colon has been read. */
function readMembers(reader: JsonReader, member: (key: string) => () => void): void {
  reader.skip();
  for (let first = true; ; first = false) {
    const next = reader.peek();
    if (next === undefined) throw reader.peekFault("EOF while parsing an object");
    if (next === "}") break;
    if (!first) skipComma(reader, next, "}", "expected `,` or `}`");
    if (reader.peek() === undefined) throw reader.peekFault("EOF while parsing a value");
    if (reader.peek() !== '"') throw reader.peekFault("key must be a string");
    const readValue = member(reader.string());
    if (reader.peek() === undefined) throw reader.peekFault("EOF while parsing an object");
    if (reader.peek() !== ":") throw reader.peekFault("expected `:`");
    reader.skip();
    readValue();
  }
  reader.skip();
}

function readItems(reader: JsonReader, item: () => void): void {
  reader.skip();
  for (let first = true; ; first = false) {
    const next = reader.peek();
    if (next === undefined) throw reader.peekFault("EOF while parsing a list");
    if (next === "]") break;
    if (!first) skipComma(reader, next, "]", "expected `,` or `]`");
    if (reader.peek() === undefined) throw reader.peekFault("EOF while parsing a value");
    item();
  }
  reader.skip();
}

function skipComma(reader: JsonReader, next: string, close: string, otherwise: string): void {
  if (next !== ",") throw reader.peekFault(otherwise);
  reader.skip();
  if (reader.peek() === close) throw reader.peekFault("trailing comma");
}

/** An object written as a list of its fields in order, which serde accepts. */
function readPositional(reader: JsonReader, name: string, fields: Fields): Record<string, unknown> {
  const names = Object.keys(fields);
  const values: Record<string, unknown> = {};
  let count = 0;
  readItems(reader, () => {
    const field = names[count++];
    if (field === undefined) throw reader.fault("trailing characters");
    values[field] = fields[field]?.type(reader);
  });
  if (names.slice(count).some((field) => fields[field]?.required)) {
    const elements = names.length === 1 ? "1 element" : `${names.length} elements`;
    throw reader.fault(`invalid length ${count}, expected struct ${name} with ${elements}`);
  }
  return values;
}

function readUnknown(reader: JsonReader, key: string, known: readonly string[] | undefined): () => void {
  if (known !== undefined) throw reader.fault(`unknown field \`${key}\`, expected ${alternatives(known)}`);
  return () => readAnything(reader);
}

/** Objects and arrays within each other from which on serde_json gives up, and everybody's stack is safe. */
const RECURSION_LIMIT = 128;

function readAnything(reader: JsonReader, depth = 1): void {
  const next = reader.peek();
  if (next === undefined) throw reader.peekFault("EOF while parsing a value");
  if (next !== "{" && next !== "[") {
    readScalar(reader, next);
    return;
  }
  if (depth >= RECURSION_LIMIT) throw reader.peekFault("recursion limit exceeded");
  const inner = () => readAnything(reader, depth + 1);
  if (next === "{") readMembers(reader, () => inner);
  else readItems(reader, inner);
}

/** Consumes a scalar and says what it is, as serde's "invalid type" texts do. */
function readScalar(reader: JsonReader, next: string): string {
  if (next === '"') return `string ${rustDebug(reader.string())}`;
  if (isNumberStart(next)) return describeNumber(reader.number());
  switch (next) {
    case "n":
      reader.word("null");
      return "null";
    case "t":
      reader.word("true");
      return "boolean `true`";
    case "f":
      reader.word("false");
      return "boolean `false`";
    default:
      throw reader.peekFault("expected value");
  }
}

function wrongType(reader: JsonReader, expected: string): JsonFault {
  const next = reader.peek();
  if (next === undefined) return reader.peekFault("EOF while parsing a value");
  if (next === "[" || next === "{") {
    return reader.fault(`invalid type: ${next === "[" ? "sequence" : "map"}, expected ${expected}`);
  }
  return reader.fault(`invalid type: ${readScalar(reader, next)}, expected ${expected}`);
}

function isNumberStart(char: string | undefined): boolean {
  return char !== undefined && /[-0-9]/.test(char);
}

function describeNumber(digits: string): string {
  if (/^-?\d+$/.test(digits)) return `integer \`${digits}\``;
  const value = Number(digits);
  return `floating point \`${Number.isInteger(value) ? `${value}.0` : value}\``;
}

/** `` `a` or `b` `` for two, `` one of `a`, `b`, `c` `` for more. */
function alternatives(words: readonly string[]): string {
  const quoted = words.map((word) => `\`${word}\``);
  if (quoted.length === 2) return quoted.join(" or ");
  return quoted.length === 1 ? quoted.join("") : `one of ${quoted.join(", ")}`;
}
