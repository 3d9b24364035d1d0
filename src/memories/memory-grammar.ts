import { sha256Hex } from "#lib/hash.ts";

/**
 * The grammar of `MEMORY.md`: the line `# Memory`, then level-2 sections Summary, Preferences, any number of
 * `Project: <path or remote>`, Notes. Generated entries are list items of the first three kinds that end in a
 * citation. Everything from the Notes heading on, and all that is no such item, is the user's.
 *
 * Texts here may be ordinary strings or byte texts (see `toByteText`); writers use byte texts, so that no byte of
 * the user's is lost, whatever its encoding.
 */
export interface MemoryDocument {
  /** Whether the file begins with `# Memory`. A file that does not is one section, of kind `head`. */
  follows: boolean;
  /** The first is always the head: what stands before the first section. */
  sections: MemorySection[];
}

export interface MemorySection {
  kind: "head" | "summary" | "preferences" | "project" | "notes" | "other";
  /** What stands after `Project: `; only of a project's section. */
  project: string | null;
  /** The heading's line with its end, "" for the head. */
  heading: string;
  blocks: MemoryBlock[];
}

export type MemoryBlock =
  | { type: "text"; text: string }
  /** A list item with its indented continuation lines and their ends. */
  | { type: "item"; text: string; citations: Citation[] };

export type MemoryItem = Extract<MemoryBlock, { type: "item" }>;

export interface Citation {
  threadId: string;
  line: number | null;
}

/** First line of a file that follows the grammar. */
export const MEMORY_TITLE = "# Memory";

const UUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";
/** ASCII only: in a byte text U+00A0 and its like are parts of other characters. */
const BLANKS = " \t\r\n";
const CITATION = new RegExp(`\\[(${UUID})(?::(\\d{1,15}))?\\]`, "g");
const LAST_CITATION = new RegExp(`\\[${UUID}(?::\\d{1,15})?\\]$`);
/** Two brackets, a UUID, a colon and 15 digits. */
const CITATION_LENGTH = 54;
const ITEM = /^(?:[-*+]|\d{1,9}[.)])[ \t]/;
const CONTINUATION = /^[ \t]+[^ \t\r\n]/;

/** Takes a file apart; `printMemory` puts exactly the same text together again. */
export function parseMemory(text: string): MemoryDocument {
  const { follows, sections } = outlineMemory(text);
  const blocks = follows ? blocksOf : asText;
  return { follows, sections: sections.map(({ body, ...section }) => ({ ...section, blocks: blocks(body) })) };
}

/** A file of another grammar has no items. */
function asText(body: string): MemoryBlock[] {
  return body === "" ? [] : [{ type: "text", text: body }];
}

/** A file's sections with their text, for readers that need few of them. */
export interface MemoryOutline {
  follows: boolean;
  sections: OutlinedSection[];
}

export type OutlinedSection = Omit<MemorySection, "blocks"> & {
  /** What follows the heading's line. */
  body: string;
};

/** As `parseMemory`, without looking into the sections; `blocksOf` does that. */
export function outlineMemory(text: string): MemoryOutline {
  const titleEnd = text.indexOf("\n") + 1 || text.length;
  const head: OutlinedSection = { kind: "head", project: null, heading: "", body: text };
  if (!isTitle(text.slice(0, titleEnd))) return { follows: false, sections: [head] };
  const sections = [head];
  const taken = new Set<string>();
  let start = 0;
  for (const at of headings(text)) {
    const end = text.indexOf("\n", at) + 1 || text.length;
    const last = sections.at(-1);
    const section = last?.kind === "notes" ? undefined : sectionOf(text.slice(at, end), taken);
    if (section === undefined || last === undefined) continue;
    last.body = text.slice(start, at);
    sections.push({ ...section, body: text.slice(end) });
    start = end;
  }
  return { follows: true, sections };
}

/** Where level-2 headings begin that stand in no code block. */
function headings(text: string): number[] {
  const found: number[] = [];
  for (let at = text.indexOf("\n## "); at !== -1; at = text.indexOf("\n## ", at + 1)) found.push(at + 1);
  if (!text.includes("```") && !text.includes("~~~")) return found;
  const inCode = codeLines(text);
  return found.filter((at) => !inCode.has(at));
}

/** Where the lines of code blocks begin, the fences' own included. */
function codeLines(text: string): Set<number> {
  const lines = linesOf(text);
  const found = new Set<number>();
  const closingFence = fenceFinder(lines);
  for (let line = 0, start = 0; line < lines.length; line++) {
    const end = closingFence(line);
    for (; line < end; line++) {
      found.add(start);
      start += lines[line]?.length ?? 0;
    }
    start += lines[line]?.length ?? 0;
  }
  return found;
}

/** The lines of a text with their ends. */
function linesOf(text: string): string[] {
  const lines: string[] = [];
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf("\n", start);
    const end = newline === -1 ? text.length : newline + 1;
    lines.push(text.slice(start, end));
    start = end;
  }
  return lines;
}

/** The text of a document. */
export function printMemory(document: MemoryDocument): string {
  return document.sections.map(printSection).join("");
}

/** The text of one section, heading included. */
export function printSection(section: MemorySection): string {
  return section.heading + section.blocks.map((block) => block.text).join("");
}

/** Whether generated entries may stand in a section. */
export function holdsEntries(section: MemorySection): boolean {
  return section.kind === "summary" || section.kind === "preferences" || section.kind === "project";
}

/** The items of a document that may be generated ones: cited, in a section for entries. */
export function citedItems(document: MemoryDocument): { section: MemorySection; item: MemoryItem }[] {
  return document.sections
    .filter(holdsEntries)
    .flatMap((section) => section.blocks.flatMap((block) => (isCited(block) ? [{ section, item: block }] : [])));
}

/** Whether a block is a list item that ends in a citation. */
export function isCited(block: MemoryBlock): block is MemoryItem {
  return block.type === "item" && block.citations.length > 0;
}

/** Every citation anywhere in a text. */
export function citationsIn(text: string): Citation[] {
  return [...text.matchAll(CITATION)].map((match) => ({
    threadId: (match[1] ?? "").toLowerCase(),
    line: match[2] === undefined ? null : Number(match[2]),
  }));
}

/** An item's text without its bullet and its closing citations. */
export function statementOf(itemText: string): string {
  const end = blankStart(itemText, citationsStart(itemText));
  return trimBlank(itemText.slice(0, end).replace(ITEM, ""));
}

/** sha256 of an item of a byte text; line ends may be LF or CRLF. */
export function itemHash(itemText: string): string {
  return sha256Hex(Buffer.from(itemText.replace(/\r\n/g, "\n").replace(/\r?\n$/, ""), "latin1"));
}

/** One character for each byte of the text's UTF-8. */
export function toByteText(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** The text of a byte text; bytes that are no UTF-8 become U+FFFD. */
export function fromByteText(text: string): string {
  return Buffer.from(text, "latin1").toString("utf8");
}

/** As `trim`, for ASCII blanks only. */
export function trimBlank(text: string): string {
  let start = 0;
  while (start < text.length && BLANKS.includes(text.charAt(start))) start++;
  return text.slice(start, Math.max(start, blankStart(text, text.length)));
}

function isTitle(line: string): boolean {
  return line.slice(0, blankStart(line, line.length)).replace(/^(?:\ufeff|\u00ef\u00bb\u00bf)/, "") === MEMORY_TITLE;
}

/** The section a heading line begins. A second one of a kind (or of a project) is the user's. */
function sectionOf(line: string, taken: Set<string>): OutlinedSection | undefined {
  if (!line.startsWith("## ")) return undefined;
  const title = trimBlank(line.slice(3));
  const project = /^Project:[ \t]+(.+)$/.exec(title)?.[1] ?? null;
  const kind = project === null ? plainKind(title) : "project";
  const section: OutlinedSection = { kind, project, heading: line, body: "" };
  const key = `${kind} ${project ?? ""}`;
  if (taken.has(key)) return { ...section, kind: "other", project: null };
  taken.add(key);
  return section;
}

function plainKind(title: string): MemorySection["kind"] {
  if (title === "Summary") return "summary";
  if (title === "Preferences") return "preferences";
  return title === "Notes" ? "notes" : "other";
}

/**
 * Finds the line that closes the code block beginning at one; that line itself where none begins or none is closed. To be
 * asked from the first line to the last: the end of what is known not to be closed is not looked for again.
 */
function fenceFinder(lines: readonly string[]): (at: number) => number {
  /** By character, the shortest fence that nothing further on closes. */
  const unclosed = new Map<string, number>();
  return (at) => {
    if (!/[`~]{3}/.test((lines[at] ?? "").slice(0, 6))) return at;
    const fence = /^ {0,3}(`{3,}|~{3,})/.exec(lines[at] ?? "")?.[1] ?? "";
    const mark = fence.charAt(0);
    if (fence === "" || fence.length >= (unclosed.get(mark) ?? Number.POSITIVE_INFINITY)) return at;
    for (let next = at + 1; next < lines.length; next++) {
      const line = trimBlank(lines[next] ?? "");
      if (line.length >= fence.length && line === mark.repeat(line.length)) return next;
    }
    unclosed.set(mark, fence.length);
    return at;
  };
}

/** The blocks of a section's text. */
export function blocksOf(body: string): MemoryBlock[] {
  const lines = linesOf(body);
  const closingFence = fenceFinder(lines);
  const blocks: MemoryBlock[] = [];
  for (let at = 0; at < lines.length; at++) {
    const end = ITEM.test(lines[at] ?? "") ? itemEnd(lines, at) : undefined;
    const last = blocks.at(-1);
    if (end !== undefined) {
      const text = lines.slice(at, end).join("");
      blocks.push({ type: "item", text, citations: trailingCitations(text) });
      at = end - 1;
    } else {
      const close = closingFence(at);
      const text = lines.slice(at, close + 1).join("");
      at = close;
      if (last?.type === "text") last.text += text;
      else blocks.push({ type: "text", text });
    }
  }
  return blocks;
}

function itemEnd(lines: readonly string[], at: number): number {
  let end = at + 1;
  while (end < lines.length && CONTINUATION.test(lines[end] ?? "")) end++;
  return end;
}

function trailingCitations(text: string): Citation[] {
  const start = citationsStart(text);
  return start === text.length ? [] : citationsIn(text.slice(start));
}

/**
 * Where the citations begin that a text ends in; its length where it ends in none. Looks from the end, because most of a
 * text is none: a search from the start costs as much as all else here.
 */
function citationsStart(text: string): number {
  let start = text.length;
  for (let end = blankStart(text, start); ; end = blankStart(text, start)) {
    const last = text[end - 1] === "]" ? LAST_CITATION.exec(text.slice(Math.max(0, end - CITATION_LENGTH), end)) : null;
    if (last === null) return start;
    start = end - last[0].length;
  }
}

/** Where the blanks before `end` begin. */
function blankStart(text: string, end: number): number {
  let at = end;
  while (at > 0 && BLANKS.includes(text.charAt(at - 1))) at--;
  return at;
}
