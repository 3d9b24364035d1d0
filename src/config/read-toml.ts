import { readFileSync, statSync } from "node:fs";
import { errnoOf, osErrorText } from "#lib/errors.ts";
import { endOfLine, lineTextAt } from "#lib/toml-position.ts";
import { ConfigError, errorInFile, unreadableFile } from "./config-error.ts";
import { parseToml } from "./parse-toml.ts";
import type { TomlTable } from "./toml-table.ts";

/** Parsing takes many times the file in memory, and a checkout may hold a file of any size; no real one comes near. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;

export interface TomlFile {
  /** Absolute path. */
  file: string;
  text: string;
  table: TomlTable;
}

/**
 * Reads and parses a TOML file. Undefined when there is none. Throws a ConfigError for a folder in its
 * place, an unreadable file, bytes that are not UTF-8, and malformed TOML (with line and column).
 */
export async function readTomlFile(file: string): Promise<TomlFile | undefined> {
  const text = readText(file);
  if (text === undefined) return undefined;
  return { file, text, table: await parseFile(text, file) };
}

function readText(file: string): string | undefined {
  try {
    const stats = statSync(file);
    // Reading a pipe or device that a checkout put here could block for ever.
    if (!stats.isFile() && !stats.isDirectory()) throw unreadableFile(file, `path \`${file}\` is not a file`);
    if (stats.size > MAX_FILE_BYTES) {
      throw unreadableFile(file, `it has ${stats.size} bytes, the limit is ${MAX_FILE_BYTES}`);
    }
    return decode(readFileSync(file), file);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ENOTDIR") return undefined;
    if (errno === undefined || error instanceof ConfigError) throw error;
    throw unreadableFile(file, osErrorText(error), error);
  }
}

function decode(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw unreadableFile(file, "stream did not contain valid UTF-8; save the file as UTF-8", error);
  }
}

async function parseFile(text: string, file: string): Promise<TomlTable> {
  const parsed = await parseToml(text);
  if (parsed.ok) return parsed.table;
  const { line, column, message } = parsed.mistake;
  throw malformed(file, text, offsetOf(text, line, column), message);
}

function offsetOf(text: string, line: number, column: number): number {
  let start = 0;
  for (let seen = 1; seen < line; seen++) start = text.indexOf("\n", start) + 1;
  return start + column - 1;
}

/** The commonest mistakes in Codex CLI's words; anything else as the parser puts it. */
function malformed(file: string, text: string, offset: number, message: string): ConfigError {
  const noEnd = message.startsWith("incomplete key-value");
  const at = noEnd ? endOfLine(text, offset) : offset;
  const atLineEnd = at >= text.length || /[\r\n#]/.test(text[at] ?? "");
  const span = { start: at, end: at };
  if ((noEnd || message === "illegal character in key") && atLineEnd) {
    const isHeader = lineTextAt(text, at).trimStart().startsWith("[");
    const expected = isHeader ? "unclosed table name, expected `]`" : "key with no value, expected `=`";
    return errorInFile(file, text, span, { message: expected });
  }
  return errorInFile(file, text, span, {
    message: message.startsWith("trying to redefine") ? "duplicate key" : message,
  });
}
