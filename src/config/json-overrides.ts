import type { ConfigOverride } from "./override-values.ts";
import { emptyTable, isTable, type TomlValue } from "./toml-table.ts";

/**
 * Settings that a program gives as a JSON object, by their names in config.toml. Tables may be objects, or dotted keys
 * of the outer object as with `-c`. A null is as good as absent.
 */
export function jsonOverrides(settings: Readonly<Record<string, unknown>>): ConfigOverride[] {
  return Object.entries(settings).flatMap(([key, value]) => {
    if (value === null || value === undefined) return [];
    return [{ path: key.split("."), value: tomlForm(value) }];
  });
}

/** A value in the form a parsed TOML file would have: whole numbers are bigint, nothing is null. */
export function tomlForm(value: unknown): TomlValue {
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.filter(isGiven).map(tomlForm);
  if (!isTable(value)) return value as TomlValue;
  const table = emptyTable();
  for (const [key, item] of Object.entries(value)) if (isGiven(item)) table[key] = tomlForm(item);
  return table;
}

function isGiven(value: unknown): boolean {
  return value !== null && value !== undefined;
}
