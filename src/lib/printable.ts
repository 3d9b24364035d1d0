/** Characters that change how text around them is laid out: bidirectional overrides and isolates. */
const REORDERING = "\u202a-\u202e\u2066-\u2069";
// Line feed and tab stay.
const UNPRINTABLE = new RegExp(`[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f${REORDERING}]`, "gu");
const SUSPECT = new RegExp(UNPRINTABLE.source, "u");

/**
 * The text as it may go to a terminal: without escape sequences, which could move the cursor, change the clipboard or
 * hide what came before, and with other control characters made visible as U+FFFD. Carriage returns end lines.
 */
export function printable(text: string): string {
  if (!SUSPECT.test(text)) return text;
  return Bun.stripANSI(text).replace(/\r\n?/g, "\n").replace(UNPRINTABLE, "\ufffd");
}

/** The value with every text in it printable; bytes are left alone. */
export function printableTexts<T>(value: T): T {
  return mapped(value) as T;
}

function mapped(value: unknown): unknown {
  if (typeof value === "string") return printable(value);
  if (Array.isArray(value)) return value.map(mapped);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, mapped(part)]));
}
