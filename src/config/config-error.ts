import { CodexError } from "#lib/errors.ts";
import { findTomlValue, lineAndColumn, lineTextAt, type TomlSpan } from "#lib/toml-position.ts";
import { keyPath } from "./toml-table.ts";

/**
 * A configuration that cannot be loaded. `message` is the whole text for standard error and already begins
 * with "Error loading config.toml:", the words programs look for; print it without a prefix.
 */
export class ConfigError extends CodexError {
  /** Absolute path of the file at fault, or null for `-c` and flags. */
  readonly file: string | null;

  constructor(message: string, file: string | null, cause?: unknown) {
    super("config_invalid", message, cause === undefined ? {} : { cause });
    this.name = "ConfigError";
    this.file = file;
  }
}

/** The file cannot be read at all. */
export function unreadableFile(file: string, reason: string, cause?: unknown): ConfigError {
  return new ConfigError(`Error loading config.toml: Failed to read config file ${file}: ${reason}`, file, cause);
}

/** Something wrong at one place of a file. `key` names the setting, when there is one. */
export function errorInFile(
  file: string,
  text: string,
  span: TomlSpan,
  problem: { message: string; key?: readonly string[] },
): ConfigError {
  const { line, column } = lineAndColumn(text, span.start);
  const lineText = lineTextAt(text, span.start);
  const gutter = " ".repeat(String(line).length);
  const width = Math.max(1, Math.min([...text.slice(span.start, span.end)].length, [...lineText].length - column + 1));
  const pointer = [...lineText]
    .slice(0, column - 1)
    .map((char) => (char === "\t" ? "\t" : " "))
    .join("");
  const lines = [
    "Error loading config.toml:",
    `${file}:${line}:${column}: ${problem.message}`,
    `${gutter} |`,
    `${line} | ${shorten(lineText)}`,
    `${gutter} | ${pointer}${"^".repeat(width)}`,
  ];
  if (problem.key !== undefined && problem.key.length > 0) lines.push(`in \`${keyPath(problem.key)}\``);
  return new ConfigError(lines.join("\n"), file);
}

/** Where a setting was made: null for the command line. */
export type SettingSource = { file: string; text: string } | null;

/** A wrong value, at its place in the file it came from, or by key alone when it came from the command line. */
export function wrongValue(source: SettingSource, key: readonly string[], message: string): ConfigError {
  const place = source === null ? undefined : findTomlValue(source.text, key);
  if (source !== null && place !== undefined) return errorInFile(source.file, source.text, place, { message, key });
  return withoutPlace(source, `${message}\nin \`${keyPath(key)}\``);
}

/** A key that the schema does not have. */
export function unknownKey(source: SettingSource, key: readonly string[]): ConfigError {
  const message = `unknown configuration field \`${keyPath(key)}\``;
  const place = source === null ? undefined : findTomlValue(source.text, key);
  if (source !== null && place !== undefined) return errorInFile(source.file, source.text, place.key, { message });
  return withoutPlace(source, message);
}

function withoutPlace(source: SettingSource, message: string): ConfigError {
  const where = source === null ? "" : ` (${source.file})`;
  return new ConfigError(`Error loading config.toml: ${message}${where}`, source?.file ?? null);
}

const LONGEST_LINE = 400;

function shorten(line: string): string {
  return line.length <= LONGEST_LINE ? line : `${line.slice(0, LONGEST_LINE)}…`;
}
