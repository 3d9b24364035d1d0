import { isTable, type TomlTable, type TomlValue } from "./toml-table.ts";

/** What stopped the parser: its own words, and where (both counted from 1, columns in UTF-16 units). */
export interface TomlMistake {
  message: string;
  line: number;
  column: number;
}

export type ParsedToml = { ok: true; table: TomlTable } | { ok: false; mistake: TomlMistake };

/** Deep enough for any real file, shallow enough that no file can exhaust the stack. */
const MAX_DEPTH = 100;

/**
 * Parses TOML. Whole numbers become bigint (so that 1 and 1.0 stay different and no 64-bit number is lost), dates
 * their text.
 */
export async function parseToml(text: string): Promise<ParsedToml> {
  // Loaded only when there is something to parse: start-up without a config file must not pay for it.
  const toml = await import("smol-toml");
  try {
    const table = toml.parse(text, { integersAsBigInt: true, maxDepth: MAX_DEPTH });
    return { ok: true, table: withoutDates(table, toml.TomlDate) as TomlTable };
  } catch (error) {
    if (!(error instanceof toml.TomlError)) throw error;
    const { line, column } = error;
    const [summary = ""] = error.message.split("\n", 1);
    return { ok: false, mistake: { message: summary.replace("Invalid TOML document: ", ""), line, column } };
  }
}

type DateClass = new (text: string) => { toISOString(): string };

function withoutDates(value: TomlValue, dateClass: DateClass): TomlValue {
  if (value instanceof dateClass) return value.toISOString();
  if (Array.isArray(value)) return value.map((item) => withoutDates(item, dateClass));
  if (isTable(value)) for (const key of Object.keys(value)) value[key] = withoutDates(value[key] ?? "", dateClass);
  return value;
}
