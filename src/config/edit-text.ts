import { emptyTable, type TomlValue } from "./toml-table.ts";

/** A value that can be written. */
export type EditValue = string | number | boolean | readonly string[] | { readonly [key: string]: EditValue };
export type EditTable = Readonly<Record<string, EditValue>>;

/** Tables get sections of their own behind the values. */
export function sectionLines(path: readonly string[], table: EditTable): string[] {
  const entries = Object.entries(table);
  const values = entries.filter(([, value]) => !isEditTable(value));
  const tables = entries.filter((entry): entry is [string, EditTable] => isEditTable(entry[1]));
  return [
    `[${path.map(tomlKey).join(".")}]`,
    ...values.map(([key, value]) => `${tomlKey(key)} = ${tomlText(value)}`),
    ...tables.flatMap(([key, inner]) => ["", ...sectionLines([...path, key], inner)]),
  ];
}

export function isEditTable(value: EditValue): value is EditTable {
  return typeof value === "object" && !Array.isArray(value);
}

/** A key as a file has it: bare where that is possible. */
export function tomlKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : tomlText(key);
}

/** A value as a file has it. */
export function tomlText(value: EditValue): string {
  if (typeof value === "string") return JSON.stringify(value.toWellFormed()).replaceAll("\u007f", "\\u007F");
  if (Array.isArray(value)) return `[${value.map((item: string) => tomlText(item)).join(", ")}]`;
  return String(value);
}

/** As `parseToml` would read it: whole numbers are bigint. */
export function tomlValue(value: EditValue): TomlValue {
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : value;
  if (typeof value !== "object") return value;
  if (Array.isArray(value)) return [...value];
  const table = emptyTable();
  for (const [key, item] of Object.entries(value)) table[key] = tomlValue(item);
  return table;
}
