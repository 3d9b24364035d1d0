import { isoTimestamp } from "#lib/clock.ts";
import { colorsAreWelcome } from "#lib/env.ts";
import { fitText, padText, textWidth } from "#lib/text-width.ts";
import type { UnixSeconds } from "#state/rows.ts";

/** Columns of standard output; Infinity when it is no terminal, so that nothing piped is cut. */
function outputColumns(): number {
  if (process.stdout.isTTY !== true) return Number.POSITIVE_INFINITY;
  const columns = process.stdout.columns;
  return columns > 0 ? columns : 80;
}

/** Bold on a terminal that wants colours. */
export function strong(text: string): string {
  return process.stdout.isTTY === true && colorsAreWelcome() ? `\u001b[1m${text}\u001b[0m` : text;
}

/** Rows under a heading, columns aligned by two blanks; the last column is cut where the terminal ends. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heading.map((title, column) =>
    Math.max(...[title, ...rows.map((row) => row[column] ?? "")].map((cell) => textWidth(cell))),
  );
  const columns = outputColumns();
  const line = (cells: readonly string[]) => {
    const padded = cells.map((cell, index) => (index === cells.length - 1 ? cell : padText(cell, widths[index] ?? 0)));
    return fitText(padded.join("  ").trimEnd(), columns);
  };
  return [strong(line(heading)), ...rows.map(line)].map((text) => `${text}\n`).join("");
}

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

/** "3 h ago", "in 40 min", "just now"; days beyond two of them. */
export function relativeTime(time: UnixSeconds, now: UnixSeconds): string {
  const seconds = Math.abs(time - now);
  if (seconds < MINUTE) return time > now ? "in a moment" : "just now";
  const span = duration(seconds);
  return time < now ? `${span} ago` : `in ${span}`;
}

/** "45 min", "12 h", "30 d": whole units, rounded down. */
export function duration(seconds: number): string {
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`;
  if (seconds < 2 * DAY) return `${Math.floor(seconds / HOUR)} h`;
  return `${Math.floor(seconds / DAY)} d`;
}

/** RFC 3339 in UTC, to the second; null stays null. */
export function jsonTime(time: UnixSeconds | null): string | null {
  return time === null ? null : isoTimestamp(time * 1000).replace(".000Z", "Z");
}

/** `1 session`, `2 sessions`. */
export function counted(count: number, noun: string): string {
  return `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** With a comma between thousands. */
export function number(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** One line of a text, for a table. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
