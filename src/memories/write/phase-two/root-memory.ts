import { type Citation, citedItems, itemHash, type MemoryDocument, type MemoryItem } from "#memories/memory-grammar.ts";
import type { StageOneOutput } from "#state/rows.ts";
import { adoptMemory } from "./merge.ts";
import {
  countingSets,
  type DeletedItem,
  deletedItems,
  itemsByHash,
  type Origin,
  type Published,
  type PublishedItem,
  type PublishedSet,
  type PublishedSkill,
  parsePublished,
  publishedItems,
} from "./published.ts";
import { fileIn, hashIn, type Tree } from "./tree.ts";

/** What stands in the root when a consolidation begins, and whose it is. */
export interface RootMemory {
  tree: Tree;
  /** `MEMORY.md` as a byte text, null when there is none. */
  text: string | null;
  /** The same following the grammar; a foreign text stands under Notes. */
  document: MemoryDocument;
  published: Published | null;
  sets: readonly PublishedSet[];
  /** The items of the sets that count, by hash. */
  items: ReadonlyMap<string, PublishedItem>;
  /** What the user took out. */
  deleted: readonly DeletedItem[];
  /** Generated files below `skills/` that are still as they were written. */
  skills: readonly PublishedSkill[];
  /** All rows, whether or not this consolidation is shown them. */
  rows: ReadonlyMap<string, StageOneOutput>;
}

export function rootMemory(input: {
  tree: Tree;
  record: string | null;
  publishedToken: string;
  rows: readonly StageOneOutput[];
}): RootMemory {
  const text = fileIn(input.tree, "MEMORY.md")?.bytes.toString("latin1") ?? null;
  const document = adoptMemory(text);
  const published = parsePublished(input.record);
  const sets = countingSets(published, input.publishedToken);
  return {
    tree: input.tree,
    text,
    document,
    published,
    sets,
    items: itemsByHash(sets),
    deleted: deletedItems(text === null ? null : document, published, sets),
    skills: currentSkills(input.tree, sets),
    rows: new Map(input.rows.map((row) => [row.threadId, row])),
  };
}

/** Author and rows of an item, or "user". Without a record every cited item is generated. */
export function origin(memory: RootMemory, item: MemoryItem): Origin {
  if (item.citations.length === 0) return "user";
  if (memory.published === null) return { by: "builtin", rows: {} };
  return memory.items.get(itemHash(item.text)) ?? "user";
}

/** What is generated in the root now. */
export function currentSet(memory: RootMemory): PublishedSet {
  return {
    memory: memory.text === null ? null : hashIn(memory.tree, "MEMORY.md"),
    items: publishedItems(memory.document, (item) => origin(memory, item)),
    skills: memory.skills,
  };
}

/** The cited items that are the user's own, because they were written or edited by hand. */
export function usersCitedItems(memory: RootMemory): MemoryItem[] {
  return citedItems(memory.document).flatMap(({ item }) => (origin(memory, item) === "user" ? [item] : []));
}

/** The threads an item of the root rests on: those it cites and those its record names. */
export function threadsOf(item: MemoryItem, from: Origin): string[] {
  const cited = item.citations.map((citation: Citation) => citation.threadId);
  return [...new Set([...cited, ...(from === "user" ? [] : Object.keys(from.rows))])];
}

/** Whether all rows behind a published item are there with the times they had. */
export function isUnchanged(memory: RootMemory, from: Exclude<Origin, "user">): boolean {
  const times = Object.entries(from.rows);
  return times.length > 0 && times.every(([id, time]) => memory.rows.get(id)?.sourceUpdatedAt === time);
}

function currentSkills(tree: Tree, sets: readonly PublishedSet[]): PublishedSkill[] {
  const found = new Map<string, PublishedSkill>();
  for (const skill of sets.flatMap((set) => set.skills))
    if (hashIn(tree, skill.path) === skill.hash) found.set(skill.path, skill);
  return [...found.values()];
}
