import { parseToml } from "./parse-toml.ts";
import { emptyTable, setAt, type TomlTable, type TomlValue } from "./toml-table.ts";

/** One setting from outside every file. `path` is the dotted key in parts. */
export type ConfigOverride =
  /** `-c key=value` of the command line: the text after `=`, not parsed yet. */
  { path: readonly string[]; rawValue: string } | { path: readonly string[]; value: TomlValue };

/** The overrides as one table; a later one wins over an earlier one. */
export async function overrideTable(overrides: readonly ConfigOverride[]): Promise<TomlTable> {
  const table = emptyTable();
  for (const override of overrides) {
    setAt(table, override.path, "value" in override ? override.value : await overrideValue(override.rawValue));
  }
  return table;
}

/** A value as TOML where it is TOML, otherwise the text itself without the quotes around it. */
async function overrideValue(rawValue: string): Promise<TomlValue> {
  const text = rawValue.trim();
  const simple = simpleValue(text);
  if (simple !== undefined) return simple;
  const parsed = await parseToml(`value = ${text}`);
  if (parsed.ok && Object.keys(parsed.table).length === 1) return parsed.table.value ?? text;
  return text.replace(/^["']+|["']+$/g, "");
}

const WORD = /^[A-Za-z_./][\w./-]*$/;
const PLAIN_STRING = /^"([^"\\\p{Cc}]*)"$/u;

/** What the commonest values are without loading a TOML parser. */
function simpleValue(text: string): TomlValue | undefined {
  if (text === "true" || text === "false") return text === "true";
  if (/^(0|[1-9]\d{0,14})$/.test(text)) return BigInt(text);
  if (WORD.test(text) && !/^(inf|nan)$/.test(text)) return text;
  return PLAIN_STRING.exec(text)?.[1];
}
