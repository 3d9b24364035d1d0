import type { TomlTable, TomlValue } from "smol-toml";

export type { TomlTable, TomlValue };

/** Whether the value is a table: not a list. */
export function isTable(value: unknown): value is TomlTable {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A table without a prototype, so that a key named `__proto__` is a key like any other. */
export function emptyTable(): TomlTable {
  return Object.create(null) as TomlTable;
}

/** The value at the path, or undefined when any part of it is missing. */
export function valueAt(table: TomlTable, path: readonly string[]): TomlValue | undefined {
  let value: TomlValue | undefined = table;
  for (const key of path) {
    if (Array.isArray(value)) value = value[Number(key)];
    else if (isTable(value) && Object.hasOwn(value, key)) value = value[key];
    else return undefined;
  }
  return value;
}

/** Sets the value at the path, replacing whatever on the way is not a table. */
export function setAt(table: TomlTable, path: readonly string[], value: TomlValue): void {
  let at = table;
  for (const key of path.slice(0, -1)) {
    const next = Object.hasOwn(at, key) ? at[key] : undefined;
    if (isTable(next)) at = next;
    else at = at[key] = emptyTable();
  }
  const last = path.at(-1);
  if (last !== undefined) at[last] = value;
}

/** The path as messages and origins name it. */
export function keyPath(path: readonly string[]): string {
  return path.join(".");
}
