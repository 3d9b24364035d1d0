/**
 * The vocabulary the configuration schema is written in. A schema is plain data because five readers walk it:
 * the validator, the resolver of relative paths, the finder of unknown keys, and the two generators
 * (config.schema.json, docs/config.md).
 */
declare const typeOf: unique symbol;

/** How a whole number is bounded; `name` is how errors call it (the names Codex CLI prints). */
export interface IntegerRange {
  name: "i64" | "u64" | "usize" | "u16";
  min: number;
  max: number;
}

export type SchemaNode =
  | { readonly kind: "string" }
  | { readonly kind: "path" }
  | { readonly kind: "boolean" }
  | { readonly kind: "integer"; readonly range: IntegerRange }
  | { readonly kind: "number" }
  | {
      readonly kind: "enum";
      readonly values: readonly string[];
      /** Other spellings that mean one of `values`. */
      readonly aliases: Readonly<Record<string, string>>;
      /** Values of later versions: taken as the value given here, with a warning. */
      readonly later: Readonly<Record<string, string>>;
    }
  | { readonly kind: "array"; readonly items: SchemaNode }
  | { readonly kind: "map"; readonly values: SchemaNode; readonly keyName: string }
  | {
      readonly kind: "table";
      readonly fields: Fields;
      /** Schema of keys that are not in `fields`; without it they are unknown keys. */
      readonly rest: SchemaNode | undefined;
      /** A rule over several keys: the message of what is wrong, or undefined. */
      readonly check: ((table: Readonly<Record<string, unknown>>) => string | undefined) | undefined;
    }
  /** The first option whose outer type fits decides; `expected` is the wording when none does. */
  | { readonly kind: "either"; readonly options: readonly SchemaNode[]; readonly expected: string }
  /** Accepted as it is: keys of later versions that nothing here reads. */
  | { readonly kind: "anything" };

export type Schema<T = unknown> = SchemaNode & { readonly [typeOf]?: T };

/** One key of a table. `Present` says whether a resolved config always has it. */
export interface Field<T = unknown, Present extends boolean = boolean> {
  readonly schema: Schema<T>;
  readonly description: string;
  /** Value when the key is absent. */
  readonly default?: T;
  /** What the default is in words, where it is not a constant. */
  readonly defaultText?: string;
  readonly required?: boolean;
  /** First Codex CLI version with the key, when later than 0.101. */
  readonly since?: string;
  /** Why the key is accepted although nothing reads it. */
  readonly unused?: string;
  /** An absent table is read as an empty one, so that its keys have their defaults. */
  readonly section?: boolean;
  readonly present?: Present;
}

export type Fields = Readonly<Record<string, Field>>;

type TypeOfField<F> = F extends Field<infer T, boolean> ? T : never;
type PresentKeys<F> = { [K in keyof F]: F[K] extends Field<unknown, true> ? K : never }[keyof F];
/** The object a validated table of these fields is. */
export type TableOf<F> = { [K in PresentKeys<F>]: TypeOfField<F[K]> } & {
  [K in Exclude<keyof F, PresentKeys<F>>]?: TypeOfField<F[K]>;
};

/** The type of a schema's validated value. */
export type Infer<S> = S extends Schema<infer T> ? T : never;

type Notes<T> = Omit<Field<T>, "schema" | "description" | "default" | "required" | "present" | "section">;

/** A key that may be absent from a resolved config. */
export function optional<T>(schema: Schema<T>, description: string, notes: Notes<T> = {}): Field<T, false> {
  return { ...notes, schema, description, present: false };
}

/** A key with a constant default. */
export function withDefault<T>(
  schema: Schema<T>,
  value: NoInfer<T>,
  description: string,
  notes: Notes<T> = {},
): Field<T, true> {
  return { ...notes, schema, description, default: value, present: true };
}

/** A key that must be there when its table is. */
export function required<T>(schema: Schema<T>, description: string, notes: Notes<T> = {}): Field<T, true> {
  return { ...notes, schema, description, required: true, present: true };
}

/** A table that a resolved config always has, its own defaults filled in. */
export function section<F extends Fields>(
  fields: F,
  description: string,
  notes: Notes<unknown> = {},
): Field<TableOf<F>, true> {
  return { ...notes, schema: table(fields), description, section: true, present: true };
}

export const text: Schema<string> = { kind: "string" };
/** A file system path; a relative one belongs to the folder of the file that names it. */
export const path: Schema<string> = { kind: "path" };
export const flag: Schema<boolean> = { kind: "boolean" };
export const seconds: Schema<number> = { kind: "number" };
export const anything: Schema<unknown> = { kind: "anything" };
export const textList: Schema<string[]> = { kind: "array", items: text };
export const textMap: Schema<Record<string, string>> = { kind: "map", values: text, keyName: "name" };

const RANGES: Readonly<Record<IntegerRange["name"], IntegerRange>> = {
  i64: { name: "i64", min: -(2 ** 63), max: 2 ** 63 },
  u64: { name: "u64", min: 0, max: 2 ** 63 },
  usize: { name: "usize", min: 0, max: 2 ** 63 },
  u16: { name: "u16", min: 0, max: 65535 },
};

export function integer(name: IntegerRange["name"], limits: { min?: number; max?: number } = {}): Schema<number> {
  return { kind: "integer", range: { ...RANGES[name], ...limits } };
}

export function oneOf<const V extends string>(
  values: readonly V[],
  others: { aliases?: Readonly<Record<string, V>>; later?: Readonly<Record<string, V>> } = {},
): Schema<V> {
  return { kind: "enum", values, aliases: others.aliases ?? {}, later: others.later ?? {} };
}

export function listOf<T>(items: Schema<T>): Schema<T[]> {
  return { kind: "array", items };
}

export function mapOf<T>(values: Schema<T>, keyName: string): Schema<Record<string, T>> {
  return { kind: "map", values, keyName };
}

export function table<F extends Fields>(
  fields: F,
  options: { rest?: Schema; check?: (table: Readonly<Record<string, unknown>>) => string | undefined } = {},
): Schema<TableOf<F>> {
  return { kind: "table", fields, rest: options.rest, check: options.check };
}

export function either<A, B>(first: Schema<A>, second: Schema<B>, expected: string): Schema<A | B> {
  return { kind: "either", options: [first, second], expected };
}
