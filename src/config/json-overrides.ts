import { CodexError } from "#lib/errors.ts";
import type { ConfigOverride } from "./override-values.ts";
import { emptyTable, isTable, type TomlValue } from "./toml-table.ts";

/** No setting is half as deep; what merges and checks them calls itself for each level. */
const MAX_LEVELS = 100;

/**
 * Settings that a program gives as a JSON object, by their names in config.toml. Tables may be objects, or dotted keys
 * of the outer object as with `-c`. A null is as good as absent. Throws the CodexError
 * "config_too_deep" for tables and lists within each other beyond any sense.
 */
export function jsonOverrides(settings: Readonly<Record<string, unknown>>): ConfigOverride[] {
  return Object.entries(settings).flatMap(([key, value]) => {
    if (value === null || value === undefined) return [];
    const path = key.split(".");
    if (path.length + levelsOf(value) > MAX_LEVELS) {
      throw new CodexError(
        "config_too_deep",
        `The setting "${path[0]?.slice(0, 100)}" has more than ${MAX_LEVELS} tables or lists within each other. No setting is that deep`,
      );
    }
    return [{ path, value: tomlForm(value) }];
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

/** How many tables and lists stand within each other; counted no further than it matters. */
function levelsOf(value: unknown): number {
  let level: unknown[] = [value];
  for (let levels = 0; levels <= MAX_LEVELS; levels++) {
    level = level.flatMap((each) => (typeof each === "object" && each !== null ? Object.values(each) : []));
    if (level.length === 0) return levels;
  }
  return MAX_LEVELS;
}

function isGiven(value: unknown): boolean {
  return value !== null && value !== undefined;
}
