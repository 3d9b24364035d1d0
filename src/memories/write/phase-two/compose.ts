import {
  citedItems,
  fromByteText,
  holdsEntries,
  itemHash,
  type MemoryItem,
  type MemorySection,
  parseMemory,
  trimBlank,
} from "#memories/memory-grammar.ts";
import type { Entry, EntrySection } from "./consolidate-builtin.ts";
import { isEmptyMemory, mergeEntries } from "./merge.ts";
import { isDeleted, type PublishedItem, publishedItems } from "./published.ts";
import { origin, type RootMemory, usersCitedItems } from "./root-memory.ts";
import { userTexts } from "./user-texts.ts";
import { MAX_GENERATED_BYTES } from "./validate.ts";

export interface Composed {
  /** Byte text of the new `MEMORY.md`, null when nothing is left to say. */
  text: string | null;
  /** Its generated items, for the record. */
  items: PublishedItem[];
}

/**
 * The root's `MEMORY.md` with the generated items that `stays` refuses taken out and the sections' entries put in;
 * later sections of one name add to earlier ones. Not put in: what the user took out, what stands there already, what
 * looks like a secret, and what would pass the size limit. Every byte of the user's stays.
 */
export function composeMemory(
  memory: RootMemory,
  options: {
    stays: (item: MemoryItem, section: MemorySection) => boolean;
    sections: readonly EntrySection[];
    hasSecret: (text: string) => boolean;
  },
): Composed {
  const takeOut = (item: MemoryItem, section: MemorySection) =>
    origin(memory, item) !== "user" && !options.stays(item, section);
  const present = linesThatStay(memory, takeOut);
  const allowed = (entry: Entry) => {
    if (isDeleted(entry, memory.deleted) || options.hasSecret(fromByteText(entry.text))) return false;
    const line = trimBlank(entry.text);
    return !present.has(line) && present.add(line) !== undefined;
  };
  const joined = joinSections(options.sections).map((one) => ({ ...one, entries: one.entries.filter(allowed) }));
  const sections = withinBudget(joined, bytesThatStay(memory, takeOut));
  const desired = sections.map(({ kind, project, entries }) => ({
    kind,
    project,
    items: entries.map((entry) => entry.text),
  }));
  const text = mergeEntries(memory.document, takeOut, desired);
  const items = describe(
    memory,
    text,
    sections.flatMap(({ entries }) => entries),
  );
  assertUserKept(memory, text);
  return { text: isEmptyMemory(text) ? null : text, items };
}

/** Author and rows of every generated item of the new text: the entry's, else what the record had. */
function describe(memory: RootMemory, text: string, entries: readonly Entry[]): PublishedItem[] {
  const byHash = new Map(entries.map((entry) => [itemHash(entry.text), entry]));
  const users = new Set(usersCitedItems(memory).map((item) => itemHash(item.text)));
  return publishedItems(parseMemory(text), (item) => {
    const hash = itemHash(item.text);
    if (users.has(hash)) return "user";
    return byHash.get(hash) ?? origin(memory, item);
  });
}

function linesThatStay(
  memory: RootMemory,
  takeOut: (item: MemoryItem, section: MemorySection) => boolean,
): Set<string> {
  return new Set(
    memory.document.sections.flatMap((section) =>
      section.blocks.flatMap((block) =>
        block.type === "item" && !(holdsEntries(section) && takeOut(block, section)) ? [trimBlank(block.text)] : [],
      ),
    ),
  );
}

function bytesThatStay(memory: RootMemory, takeOut: (item: MemoryItem, section: MemorySection) => boolean): number {
  const staying = citedItems(memory.document).filter(
    ({ item, section }) => origin(memory, item) !== "user" && !takeOut(item, section),
  );
  return staying.reduce((sum, { item }) => sum + item.text.length, 0);
}

function joinSections(sections: readonly EntrySection[]): EntrySection[] {
  const joined = new Map<string, EntrySection>();
  for (const section of sections) {
    const key = `${section.kind}\n${section.project}`;
    const earlier = joined.get(key);
    joined.set(key, { ...section, entries: [...(earlier?.entries ?? []), ...section.entries] });
  }
  return [...joined.values()];
}

/** Whole entries go, from the lightest sections first, until the rest fits; headings count too. */
function withinBudget(sections: readonly EntrySection[], taken: number): EntrySection[] {
  let left = MAX_GENERATED_BYTES - taken;
  return sections.map((section) => {
    const heading = (section.project?.length ?? 0) + 32;
    const entries = section.entries.filter((entry, index) => {
      const size = entry.text.length + 1 + (index === 0 ? heading : 0);
      if (size > left) return false;
      left -= size;
      return true;
    });
    return { ...section, entries };
  });
}

/** The one promise that a fault in all of the above must not break. */
function assertUserKept(memory: RootMemory, text: string): void {
  const users = new Set(usersCitedItems(memory).map((item) => itemHash(item.text)));
  const before = userTexts(memory.document, (item) => origin(memory, item) !== "user");
  const after = userTexts(parseMemory(text), (item) => !users.has(itemHash(item.text)));
  if (before.length !== after.length || before.some((one, index) => one !== after[index]))
    throw new Error("the merged MEMORY.md does not keep the user's text as it was");
}
