import {
  MEMORY_TITLE,
  type MemoryBlock,
  type MemoryDocument,
  type MemoryItem,
  type MemorySection,
  parseMemory,
  printSection,
  trimBlank,
} from "#memories/memory-grammar.ts";

/** Entries a section is to hold, in order; each is one line without its end (byte texts). */
export interface DesiredSection {
  kind: "summary" | "preferences" | "project";
  /** Only of a project's section. */
  project: string | null;
  items: readonly string[];
}

/**
 * The file to merge into. One that does not follow the grammar becomes the text under Notes, wholly; a missing or
 * blank one becomes the bare title.
 */
export function adoptMemory(text: string | null): MemoryDocument {
  if (text === null || trimBlank(text) === "") return parseMemory(`${MEMORY_TITLE}\n`);
  const document = parseMemory(text);
  return document.follows ? document : parseMemory(`${MEMORY_TITLE}\n\n## Notes\n\n${text}`);
}

/**
 * The document's text with some items taken out and entries put in: in a section that still holds something, where
 * its first item was taken out, else at its end; other sections are made new in the order of the grammar. Sections
 * for entries that are left without anything go. Everything else keeps its bytes.
 */
export function mergeEntries(
  document: MemoryDocument,
  takeOut: (item: MemoryItem, section: MemorySection) => boolean,
  desired: readonly DesiredSection[],
): string {
  const wanted = desired.filter((section) => section.items.length > 0);
  const parts: Part[] = document.sections.flatMap((section) => {
    const entries = wanted.find((one) => one.kind === section.kind && one.project === section.project);
    return rebuilt(section, takeOut, entries, hasTwin(section, document)) ?? [];
  });
  const placed = new Set(parts.map((part) => part.entries));
  for (const entries of wanted) {
    if (placed.has(entries)) continue;
    const part = { rank: RANK[entries.kind], text: newSection(entries), changed: true, entries };
    parts.splice(placeFor(part.rank, parts), 0, part);
  }
  return joined(parts);
}

/** Whether a text holds nothing but the title and empty sections of the grammar. */
export function isEmptyMemory(text: string): boolean {
  const { follows, sections } = parseMemory(text);
  if (!follows) return trimBlank(text) === "";
  return sections.every((section) => {
    const body = section.blocks.map((block) => block.text).join("");
    return section.kind !== "other" && trimBlank(section.kind === "head" ? afterTitle(body) : body) === "";
  });
}

/** The document's text without the items that `isGenerated` names: what the user wrote. */
export function withoutItems(document: MemoryDocument, isGenerated: (item: MemoryItem) => boolean): string {
  return mergeEntries(document, (item) => isGenerated(item), []);
}

interface Part {
  rank: number;
  text: string;
  changed: boolean;
  entries: DesiredSection | undefined;
}

const RANK = { head: 0, summary: 1, preferences: 2, project: 3, other: -1, notes: 5 } as const;

/** A section with its items exchanged, or undefined when nothing stays in it (it is then made new, if wanted). */
function rebuilt(
  section: MemorySection,
  takeOut: (item: MemoryItem, section: MemorySection) => boolean,
  entries: DesiredSection | undefined,
  pinned: boolean,
): Part | undefined {
  const rank = RANK[section.kind];
  if (section.kind === "head" || section.kind === "other" || section.kind === "notes")
    return { rank, text: printSection(section), changed: false, entries: undefined };
  const before: MemoryBlock[] = [];
  const after: MemoryBlock[] = [];
  let side = before;
  for (const block of section.blocks) {
    if (block.type === "item" && takeOut(block, section)) side = after;
    else side.push(block);
  }
  if (!pinned && ![...before, ...after].some((block) => trimBlank(block.text) !== "")) return undefined;
  const lines = (entries?.items ?? []).map((item) => `${item}\n`).join("");
  const found = side === after || before.at(-1)?.type === "item";
  const head = section.heading + textOf(before);
  const text = lines === "" ? head + textOf(after) : endedLine(head, found) + lines + textOf(after);
  return { rank, text, changed: text !== printSection(section), entries };
}

/** Whether a later section has the same heading: without the first one it would no longer be the user's. */
function hasTwin(section: MemorySection, document: MemoryDocument): boolean {
  const name = (one: MemorySection) => trimBlank(one.heading).replace(/[ \t]+/g, " ");
  return document.sections.some((other) => other.kind === "other" && name(other) === name(section));
}

function textOf(blocks: readonly MemoryBlock[]): string {
  return blocks.map((block) => block.text).join("");
}

/** The text, ready for a list: on a new line, and after a blank one where no list stood before. */
function endedLine(text: string, inPlace: boolean): string {
  const ended = text === "" || text.endsWith("\n") ? text : `${text}\n`;
  return inPlace || /\n[ \t\r]*\n$/.test(ended) ? ended : `${ended}\n`;
}

function newSection(entries: DesiredSection): string {
  return `${headingOf(entries)}\n\n${entries.items.map((item) => `${item}\n`).join("")}`;
}

function headingOf(entries: DesiredSection): string {
  if (entries.kind === "project") return `## Project: ${entries.project}`;
  return entries.kind === "summary" ? "## Summary" : "## Preferences";
}

/** After the last section that may stand before it; a section of the user's goes with the one before it. */
function placeFor(rank: number, parts: readonly Part[]): number {
  let place = 0;
  let current = 0;
  for (const [index, part] of parts.entries()) {
    current = part.rank < 0 ? current : part.rank;
    if (current <= rank) place = index + 1;
  }
  return place;
}

function joined(parts: readonly Part[]): string {
  let text = "";
  let previous: Part | undefined;
  for (const part of parts) {
    const gap = previous !== undefined && (part.changed || previous.changed) && !text.endsWith("\n\n");
    if (gap) text += text.endsWith("\n") ? "\n" : "\n\n";
    text += part.text;
    previous = part;
  }
  return text;
}

function afterTitle(head: string): string {
  const end = head.indexOf("\n");
  return end < 0 ? "" : head.slice(end + 1);
}
