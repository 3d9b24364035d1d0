import { findTomlValue } from "#lib/toml-position.ts";
import { type EditTable, isEditTable, sectionLines, tomlKey, tomlText, tomlValue } from "./edit-text.ts";
import { isWithin, type TomlSection, tomlSections } from "./toml-sections.ts";
import { isTable, type TomlTable } from "./toml-table.ts";

/** A piece of the text and what stands there afterwards. */
interface Splice {
  start: number;
  end: number;
  text: string;
}

interface Replacement {
  path: readonly string[];
  /** What the table is to be. */
  table: EditTable;
  /** What it is now. */
  before: TomlTable;
  /** Keys that go when `table` does not have them; undefined for all. */
  known: readonly string[] | undefined;
}

/**
 * The text with a table changed where it stands: its place, its comments, the values that stay and the keys that are
 * not `known` are kept. Undefined when the table, or one in it, is not written as a section of its own.
 */
export function replaceSection(text: string, replacement: Replacement, newline: string): string | undefined {
  const splices = splicesOf(text, replacement, newline);
  if (splices === undefined) return undefined;
  let changed = text;
  for (const { start, end, text: instead } of splices.sort((a, b) => b.start - a.start || b.end - a.end)) {
    changed = changed.slice(0, start) + instead + changed.slice(end);
  }
  return changed;
}

function splicesOf(text: string, { path, table, before, known }: Replacement, newline: string): Splice[] | undefined {
  const sections = tomlSections(text).filter((section) => isWithin(section, path));
  const own = sections.find((section) => section.path.length === path.length);
  if (own === undefined) return undefined;
  const splices: Splice[] = [];
  const added: string[] = [];
  for (const key of new Set([...Object.keys(before), ...Object.keys(table)])) {
    const [is, wanted] = [before[key], table[key]];
    const inner = sections.filter((section) => section.path[path.length] === key);
    if (wanted === undefined && known !== undefined && !known.includes(key)) continue;
    if (wanted !== undefined && Bun.deepEquals(is, tomlValue(wanted))) continue;
    if (wanted !== undefined && isEditTable(wanted) && isTable(is) && inner.length > 0) {
      const deeper = splicesOf(text, { path: [...path, key], table: wanted, before: is, known: undefined }, newline);
      if (deeper === undefined) return undefined;
      splices.push(...deeper);
      continue;
    }
    if (is !== undefined) {
      const gone = inner.length > 0 ? inner.map(removed) : statement(text, own, [...path, key], wanted);
      if (gone === undefined) return undefined;
      splices.push(...gone);
    }
    if (wanted === undefined || (is !== undefined && inner.length === 0 && !isEditTable(wanted))) continue;
    if (isEditTable(wanted)) splices.push(newSection(text, sections, { path: [...path, key], table: wanted }, newline));
    else added.push(`${tomlKey(key)} = ${tomlText(wanted)}${newline}`);
  }
  if (added.length > 0) splices.push(newValues(text, own, added.join(""), newline));
  return splices;
}

function removed({ start, end }: TomlSection): Splice {
  return { start, end, text: "" };
}

/** Changes the statement of a key, or takes its lines away; undefined when it has no statement of its own. */
function statement(
  text: string,
  own: TomlSection,
  path: readonly string[],
  wanted: EditTable[string] | undefined,
): Splice[] | undefined {
  const place = findTomlValue(text, path);
  if (place === undefined || place.key.start < own.bodyStart || place.key.end > place.start) return undefined;
  if (text.slice(place.key.start, place.key.end) !== tomlKey(path.at(-1) ?? "")) return undefined;
  if (wanted !== undefined && !isEditTable(wanted)) {
    const value = tomlText(wanted);
    return [{ start: place.start, end: place.end, text: value }];
  }
  const lineStart = text.lastIndexOf("\n", place.key.start - 1) + 1;
  const lineEnd = text.indexOf("\n", place.end);
  return [{ start: lineStart, end: lineEnd === -1 ? text.length : lineEnd + 1, text: "" }];
}

/** New values stand behind the last line of the section that is not empty. */
function newValues(text: string, own: TomlSection, lines: string, newline: string): Splice {
  const body = text.slice(own.bodyStart, own.end);
  const filled = own.bodyStart + body.trimEnd().length;
  const lineEnd = text.indexOf("\n", filled);
  const at = body.trim() === "" ? own.bodyStart : lineEnd === -1 ? text.length : lineEnd + 1;
  return { start: at, end: at, text: (at > 0 && text[at - 1] !== "\n" ? newline : "") + lines };
}

/** A new table in the table stands behind the last of its sections. */
function newSection(
  text: string,
  sections: readonly TomlSection[],
  { path, table }: { path: readonly string[]; table: EditTable },
  newline: string,
): Splice {
  const end = sections.at(-1)?.end ?? text.length;
  const at = text.slice(0, end).trimEnd().length;
  return { start: at, end: at, text: newline + newline + sectionLines(path, table).join(newline) };
}
