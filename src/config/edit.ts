import { mkdirSync, readFileSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { writeFileAtomic } from "#lib/atomic-file.ts";
import { CodexError, errnoOf, osErrorText } from "#lib/errors.ts";
import { findTomlValue } from "#lib/toml-position.ts";
import { type EditTable, sectionLines, tomlKey, tomlText, tomlValue } from "./edit-text.ts";
import { parseToml } from "./parse-toml.ts";
import { replaceSection } from "./replace-section.ts";
import { isWithin, type TomlSection, tomlSections } from "./toml-sections.ts";
import { isTable, setAt, type TomlTable, type TomlValue, valueAt } from "./toml-table.ts";

/** One change of a configuration file. Paths are keys from the root. */
export type ConfigEdit =
  /**
   * Puts a table there. Of one that is there already, keys go that the new one does not have: those of `known`, or all
   * when it is absent; its comments and its place stay where it has lines of its own.
   */
  | { type: "put_table"; path: readonly string[]; table: EditTable; known?: readonly string[] }
  /** Takes the entry away with everything below it. Nothing happens when there is none. */
  | { type: "remove"; path: readonly string[] }
  /** Sets one value in a table that exists. */
  | { type: "set"; path: readonly string[]; value: string | number | boolean };

/**
 * Changes a configuration file and nothing else in it: comments, order, unknown keys and line ends stay. The
 * file is made when it is missing; a symbolic link stays one, and the mode is kept. Throws a CodexError when
 * the file cannot be read, is not TOML, or cannot be written. Resolves to whether there was anything to change.
 */
export async function editConfigFile(path: string, edit: ConfigEdit): Promise<boolean> {
  const { text, target, mode } = readTarget(path);
  const changed = await editToml(text, edit, path);
  if (changed === text) return false;
  try {
    mkdirSync(dirname(target), { recursive: true });
    writeFileAtomic(target, changed, { mode });
    return true;
  } catch (error) {
    throw new CodexError("config_write", `Cannot write "${path}": ${osErrorText(error)}`, { cause: error });
  }
}

function readTarget(path: string): { text: string; target: string; mode: number } {
  try {
    const target = linkTarget(path);
    const text = readFileSync(target, "utf8");
    return { text, target, mode: statSync(target).mode & 0o777 };
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return { text: "", target: linkTarget(path), mode: 0o600 };
    throw new CodexError("config_read", `Cannot read "${path}": ${osErrorText(error)}`, { cause: error });
  }
}

/** Where a file is or, behind a link that leads to none yet, will be. Throws the system's error for links in a ring. */
function linkTarget(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
    const link = linkText(path);
    return link === undefined ? path : linkTarget(resolve(dirname(path), link));
  }
}

function linkText(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/**
 * The text with the change made. The change is first made to the lines it concerns; where the entry is
 * written in a way that has no lines of its own (inline tables, dotted keys) a TOML editor does it. Either
 * result counts only when it means what was wanted. `name` is the file, for messages.
 */
export async function editToml(text: string, edit: ConfigEdit, name: string): Promise<string> {
  const before = await parsed(text, name);
  const wanted = changedTable(before, edit);
  if (canonical(wanted) === canonical(before)) return text;
  const ways = [() => editInPlace(text, edit, before), () => editLines(text, edit, before), () => editTree(text, edit)];
  for (const way of ways) {
    const candidate = await way();
    if (candidate === undefined) continue;
    const result = await parseToml(candidate);
    if (result.ok && canonical(result.table) === canonical(wanted)) return candidate;
  }
  throw new CodexError(
    "config_edit",
    `Cannot change ${edit.path.join(".")} in "${name}": it is written in a form that cannot be edited. Change it by hand`,
  );
}

async function parsed(text: string, name: string): Promise<TomlTable> {
  const result = await parseToml(text);
  if (result.ok) return result.table;
  const { message, line, column } = result.mistake;
  throw new CodexError("config_edit", `Cannot edit "${name}": line ${line}, column ${column}: ${message}`);
}

function changedTable(table: TomlTable, edit: ConfigEdit): TomlTable {
  const copy = structuredClone(table);
  if (edit.type === "remove") deleteAt(copy, edit.path);
  else if (edit.type === "set") setAt(copy, edit.path, tomlValue(edit.value));
  else setAt(copy, edit.path, { ...keptKeys(copy, edit), ...(tomlValue(edit.table) as TomlTable) });
  return copy;
}

/** What of the table that is there already stays, whatever is put. */
function keptKeys(table: TomlTable, { path, known }: Extract<ConfigEdit, { type: "put_table" }>): TomlTable {
  const before = valueAt(table, path);
  if (known === undefined || !isTable(before)) return {};
  return Object.fromEntries(Object.entries(before).filter(([key]) => !known.includes(key)));
}

function deleteAt(table: TomlTable, path: readonly string[]): void {
  const parent = valueAt(table, path.slice(0, -1));
  if (isTable(parent)) delete parent[path.at(-1) ?? ""];
}

/** A text that is the same for equal tables; tables that hold nothing count as absent. */
function canonical(value: TomlValue): string {
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (!isTable(value)) return typeof value === "number" ? String(value) : JSON.stringify(value);
  const entries = Object.keys(value)
    .sort()
    .map((key) => [key, canonical(value[key] ?? "")] as const);
  return `{${entries
    .filter(([, text]) => text !== "{}")
    .map(([key, text]) => `${JSON.stringify(key)}:${text}`)
    .join(",")}}`;
}

function newlineOf(text: string): string {
  return text.includes("\r\n") ? "\r\n" : "\n";
}

function editInPlace(text: string, edit: ConfigEdit, all: TomlTable): string | undefined {
  const before = valueAt(all, edit.path);
  if (edit.type !== "put_table" || !isTable(before)) return undefined;
  return replaceSection(text, { path: edit.path, table: edit.table, before, known: edit.known }, newlineOf(text));
}

function editLines(text: string, edit: ConfigEdit, before: TomlTable): string | undefined {
  const newline = newlineOf(text);
  switch (edit.type) {
    case "remove":
      return withoutSections(text, edit.path);
    case "put_table":
      return withSection(withoutSections(text, edit.path), edit, newline);
    case "set":
      return withValue(text, edit, { newline, exists: valueAt(before, edit.path) !== undefined });
  }
}

function withoutSections(text: string, path: readonly string[]): string {
  const kept: string[] = [];
  let at = 0;
  for (const section of tomlSections(text)) {
    if (!isWithin(section, path)) continue;
    kept.push(text.slice(at, section.start));
    at = section.end;
  }
  return kept.join("") + text.slice(at);
}

/** Behind the last section of the same family, or at the end. */
function withSection(text: string, edit: { path: readonly string[]; table: EditTable }, newline: string): string {
  const family = tomlSections(text).filter((section) => isWithin(section, edit.path.slice(0, -1)));
  const at = family.at(-1)?.end ?? text.length;
  const head = text.slice(0, at).trimEnd();
  const tail = text.slice(at);
  const block = sectionLines(edit.path, edit.table).join(newline) + newline;
  return `${head}${head === "" ? "" : newline + newline}${block}${tail === "" ? "" : newline}${tail}`;
}

function withValue(
  text: string,
  edit: { path: readonly string[]; value: string | number | boolean },
  { newline, exists }: { newline: string; exists: boolean },
): string | undefined {
  const value = tomlText(edit.value);
  if (exists) {
    const place = findTomlValue(text, edit.path);
    return place === undefined ? undefined : text.slice(0, place.start) + value + text.slice(place.end);
  }
  const table = edit.path.slice(0, -1);
  const section = tomlSections(text).find(
    ({ path }) => path.length === table.length && isWithin({ path } as TomlSection, table),
  );
  if (section === undefined) return undefined;
  const body = text.slice(section.bodyStart, section.end);
  const at = section.bodyStart + body.trimEnd().length;
  const line = `${tomlKey(edit.path.at(-1) ?? "")} = ${value}`;
  const head = text.slice(0, at);
  return `${head}${head.endsWith("\n") ? "" : newline}${line}${newline}${text.slice(at).replace(/^\r?\n/, "")}`;
}

async function editTree(text: string, edit: ConfigEdit): Promise<string | undefined> {
  const { parse, patch } = await import("@decimalturn/toml-patch");
  try {
    const table = parse(text) as TomlTable;
    if (edit.type === "remove") deleteAt(table, edit.path);
    else if (edit.type === "set") setAt(table, edit.path, edit.value);
    else setAt(table, edit.path, { ...keptKeys(table, edit), ...structuredClone(edit.table) } as TomlTable);
    return patch(text, table, { trailingComma: false, inlineTableStart: edit.path.length + 1 });
  } catch {
    // It parses otherwise than our parser; what it cannot do is told to the user.
    return undefined;
  }
}
