import { emptyTable, isTable, keyPath, type TomlTable, type TomlValue } from "./toml-table.ts";

/** What a merge knows of each value: which of the merged tables it came from. Keyed by dotted path. */
export type OriginMap<O> = Map<string, O>;

export interface Merged<O> {
  table: TomlTable;
  origins: OriginMap<O>;
}

/**
 * Merges tables from the lowest to the highest: tables key by key, everything else is replaced.
 * Values that are not tables, and empty tables, have an entry in `origins`.
 */
export function mergeTables<O>(sources: readonly { table: TomlTable; origin: O }[]): Merged<O> {
  const merged: Merged<O> = { table: emptyTable(), origins: new Map() };
  for (const { table, origin } of sources) mergeInto(merged.table, table, [], origin, merged.origins);
  return merged;
}

function mergeInto<O>(target: TomlTable, source: TomlTable, path: string[], origin: O, origins: OriginMap<O>): void {
  for (const key of Object.keys(source)) {
    const value = source[key] as TomlValue;
    const at = [...path, key];
    const existing = target[key];
    if (!isTable(value)) {
      if (isTable(existing)) forget(origins, at);
      target[key] = value;
      origins.set(keyPath(at), origin);
      continue;
    }
    const table = isTable(existing) ? existing : emptyTable();
    target[key] = table;
    if (!isTable(existing) || Object.keys(value).length === 0) origins.set(keyPath(at), origin);
    mergeInto(table, value, at, origin, origins);
    if (Object.keys(value).length > 0) origins.delete(keyPath(at));
  }
}

function forget<O>(origins: OriginMap<O>, path: string[]): void {
  const prefix = `${keyPath(path)}.`;
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
