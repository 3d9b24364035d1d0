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
  const plain = parsePlain(text);
  if (plain !== undefined) return { ok: true, table: plain };
  // Loaded only where it is needed: start-up must not pay for it.
  const toml = await import("smol-toml");
  try {
    const table = toml.parse(text, { integersAsBigInt: true, maxDepth: MAX_DEPTH });
    if (isTooDeep(table)) return { ok: false, mistake: tooDeep(text) };
    return { ok: true, table: withoutDates(table, toml.TomlDate) as TomlTable };
  } catch (error) {
    if (!(error instanceof toml.TomlError)) throw error;
    const { line, column } = error;
    const [summary = ""] = error.message.split("\n", 1);
    return { ok: false, mistake: { message: summary.replace("Invalid TOML document: ", ""), line, column } };
  }
}

/**
 * Its time grows with the square of the number of tables: 800 trusted projects in 50 KB take it longer than the other
 * parser, 20,000 take three seconds.
 */
const MAX_PLAIN_CHARS = 32 << 10;

/**
 * The table of a document of texts, flags, lists and tables, read by the parser Bun has built in: it takes a tenth of
 * the time, which every start with ten MCP servers would notice. Undefined for a document it must not answer for: it
 * gives 1 and 1.0 alike, its dates are objects, it turns a line's end within a text into `\n`, and it does not say
 * where a mistake is.
 */
function parsePlain(text: string): TomlTable | undefined {
  if (text.length > MAX_PLAIN_CHARS || text.includes("\r")) return undefined;
  try {
    const table = Bun.TOML.parse(text);
    return isPlain(table, 0) ? (table as TomlTable) : undefined;
  } catch {
    // A mistake, or nested too deeply: the other parser has the words for it.
    return undefined;
  }
}

/** Also takes the prototype of every table away. */
function isPlain(value: unknown, depth: number): boolean {
  if (typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value !== "object" || value === null || depth > MAX_DEPTH) return false;
  if (Array.isArray(value)) return value.every((item) => isPlain(item, depth + 1));
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  Object.setPrototypeOf(value, null);
  return Object.values(value).every((item) => isPlain(item, depth + 1));
}

/** The parser counts brackets, not the dots of a key. */
function isTooDeep(table: TomlTable): boolean {
  let level: object[] = [table];
  for (let depth = 0; depth <= MAX_DEPTH && level.length > 0; depth++) {
    level = level.flatMap((each) => Object.values(each).filter((inner) => typeof inner === "object"));
  }
  return level.length > 0;
}

/** At the line with most dots. */
function tooDeep(text: string): TomlMistake {
  const dots = text.split("\n").map((line) => line.split(".").length);
  const most = dots.reduce((high, count) => Math.max(high, count), 0);
  return { message: `tables nested deeper than ${MAX_DEPTH} levels`, line: dots.indexOf(most) + 1, column: 1 };
}

type DateClass = new (text: string) => { toISOString(): string };

function withoutDates(value: TomlValue, dateClass: DateClass): TomlValue {
  if (value instanceof dateClass) return value.toISOString();
  if (Array.isArray(value)) return value.map((item) => withoutDates(item, dateClass));
  if (isTable(value)) for (const key of Object.keys(value)) value[key] = withoutDates(value[key] ?? "", dateClass);
  return value;
}
