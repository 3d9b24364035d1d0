import { emptyTable, isTable, keyPath, type TomlTable, type TomlValue } from "./toml-table.ts";

/** What a merge knows of each value: which of the merged tables it came from. Keyed by dotted path. */
export type OriginMap<O> = Map<string, O>;

export interface Merged<O> {
  readonly table: TomlTable;
  /** Found when it is first asked for: only mistakes and warnings name where a value was written. */
  readonly origins: OriginMap<O>;
}

/**
 * Merges tables from the lowest to the highest: tables key by key, everything else is replaced.
 * Values that are not tables, and empty tables, have an entry in `origins`.
 */
export function mergeTables<O>(sources: readonly { table: TomlTable; origin: O }[]): Merged<O> {
  const merged = emptyTable();
  for (const { table } of sources) mergeInto(merged, table);
  let origins: OriginMap<O> | undefined;
  return {
    table: merged,
    get origins() {
      origins ??= traceOrigins(sources);
      return origins;
    },
  };
}

function mergeInto(target: TomlTable, source: TomlTable): void {
  for (const key of Object.keys(source)) {
    const value = source[key] as TomlValue;
    if (isTable(value)) mergeInto(tableAt(target, key), value);
    else target[key] = value;
  }
}

/** The table under the key, made in the place of anything else. */
function tableAt(target: TomlTable, key: string): TomlTable {
  const existing = target[key];
  if (isTable(existing)) return existing;
  const made = emptyTable();
  target[key] = made;
  return made;
}

function traceOrigins<O>(sources: readonly { table: TomlTable; origin: O }[]): OriginMap<O> {
  const traced: Traced<O> = { origins: new Map(), filled: new Set() };
  for (const { table, origin } of sources) trace(table, "", origin, traced);
  return traced.origins;
}

interface Traced<O> {
  origins: OriginMap<O>;
  /** Dotted names of tables that something was found in. */
  filled: Set<string>;
}

/** `prefix` is the dotted name of `table` with a final dot, or empty. */
function trace<O>(table: TomlTable, prefix: string, origin: O, traced: Traced<O>): void {
  const { origins, filled } = traced;
  for (const key of Object.keys(table)) {
    const value = table[key];
    const name = prefix + key;
    if (isTable(value) && Object.keys(value).length > 0) {
      origins.delete(name);
      filled.add(name);
      trace(value, `${name}.`, origin, traced);
    } else {
      // A look through all of them, so only for what took the place of a table.
      if (!isTable(value) && filled.delete(name)) forget(origins, `${name}.`);
      origins.set(name, origin);
    }
  }
}

function forget<O>(origins: OriginMap<O>, prefix: string): void {
  for (const key of origins.keys()) if (key.startsWith(prefix)) origins.delete(key);
}

/** The origin of the value at the path, of the list or table around it, or of anything inside it. */
export function originOf<O>(origins: OriginMap<O>, path: readonly string[]): O | undefined {
  for (let length = path.length; length > 0; length--) {
    const key = keyPath(path.slice(0, length));
    const found = origins.get(key) ?? lastUnder(origins, `${key}.`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function lastUnder<O>(origins: OriginMap<O>, prefix: string): O | undefined {
  let found: O | undefined;
  for (const [key, origin] of origins) if (key.startsWith(prefix)) found = origin;
  return found;
}
