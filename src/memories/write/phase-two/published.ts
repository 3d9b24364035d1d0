import { sha256Hex } from "#lib/hash.ts";
import { citedItems, itemHash, type MemoryDocument, type MemoryItem, statementOf } from "#memories/memory-grammar.ts";
import type { Extractor, UnixSeconds } from "#state/rows.ts";

/** The rows an entry rests on, with the time each had. */
export type RowTimes = Readonly<Record<string, UnixSeconds>>;

/** A generated entry of `MEMORY.md`. */
export interface PublishedItem {
  /** `itemHash` of the entry. */
  hash: string;
  /** sha256 of the entry without bullet and citations. */
  statement: string;
  by: Extractor;
  rows: RowTimes;
}

/** A generated file below `skills/`. */
export interface PublishedSkill {
  /** `<name>/SKILL.md`, with forward slashes. */
  path: string;
  hash: string;
  by: Extractor;
  /** Whose threads the consolidation saw that wrote it; only those providers may see it again. */
  providers: readonly string[];
}

/** What was generated at one moment. */
export interface PublishedSet {
  /** sha256 of `MEMORY.md`, null when there was none. */
  memory: string | null;
  items: readonly PublishedItem[];
  skills: readonly PublishedSkill[];
}

/** An entry the user took out: not written again from the same rows. */
export type DeletedItem = Pick<PublishedItem, "hash" | "statement" | "rows">;

/** The content of `.published.json`. */
export interface Published {
  version: 1;
  /** Ownership token of the publish that wrote it. */
  token: string;
  before: PublishedSet;
  after: PublishedSet;
  deleted: readonly DeletedItem[];
}

/** The file's text. Each row stands once in a table, because many entries rest on the same ones. */
export function printPublished(published: Published): string {
  const table = new Map<string, number>();
  const indexOf = (id: string, time: UnixSeconds) => {
    const key = `${id} ${time}`;
    const known = table.get(key) ?? table.size;
    table.set(key, known);
    return known;
  };
  const packed = <Item extends DeletedItem>(items: readonly Item[]) =>
    items.map((item) => ({ ...item, rows: Object.entries(item.rows).map(([id, time]) => indexOf(id, time)) }));
  const set = (one: PublishedSet) => ({ ...one, items: packed(one.items) });
  const { version, token, before, after, deleted } = published;
  const body = { version, token, before: set(before), after: set(after), deleted: packed(deleted) };
  const rows = [...table.keys()].map((key) => {
    const space = key.lastIndexOf(" ");
    return [key.slice(0, space), Number(key.slice(space + 1))];
  });
  return `${JSON.stringify({ ...body, rows })}\n`;
}

/** The content, or null when there is no such file or it is not one (then nothing is known). */
export function parsePublished(text: string | null): Published | null {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isStored(value) ? unpacked(value) : null;
  } catch {
    return null;
  }
}

function unpacked(stored: Stored): Published {
  const items = <Item extends { rows: readonly number[] }>(packed: readonly Item[]) =>
    packed.map((item) => ({
      ...item,
      rows: Object.fromEntries(item.rows.flatMap((index) => (stored.rows[index] ? [stored.rows[index]] : []))),
    }));
  const set = (one: StoredSet): PublishedSet => ({ ...one, items: items(one.items) });
  const { version, token, before, after, deleted } = stored;
  return { version, token, before: set(before), after: set(after), deleted: items(deleted) };
}

/**
 * What may be told apart as generated. `before` counts until the publish that wrote the record has committed, because
 * a process can die between the record and the files.
 */
export function countingSets(published: Published | null, publishedToken: string): PublishedSet[] {
  if (published === null) return [];
  return published.token === publishedToken ? [published.after] : [published.before, published.after];
}

/** The author and rows of an item, "user" when it is the user's. Without a record every cited item is generated. */
export function originOf(item: MemoryItem, published: Published | null, sets: readonly PublishedSet[]): Origin {
  if (item.citations.length === 0) return "user";
  if (published === null) return { by: "builtin", rows: {} };
  const hash = itemHash(item.text);
  return sets.flatMap((set) => set.items).find((one) => one.hash === hash) ?? "user";
}

/** The items of the sets that count, by hash. */
export function itemsByHash(sets: readonly PublishedSet[]): Map<string, PublishedItem> {
  return new Map(sets.toReversed().flatMap((set) => set.items.map((item) => [item.hash, item] as const)));
}

export type Origin = Pick<PublishedItem, "by" | "rows"> | "user";

/**
 * The entries the user took out so far, and those missing from the file now: in every set that counts, but not in the
 * file. A missing file deletes nothing.
 */
export function deletedItems(
  document: MemoryDocument | null,
  published: Published | null,
  sets: readonly PublishedSet[],
): DeletedItem[] {
  const earlier = published?.deleted ?? [];
  if (document === null || sets.length === 0) return [...earlier];
  const present = new Set(allItems(document).map((item) => itemHash(item.text)));
  const others = sets.slice(1).map((set) => new Set(set.items.map(({ hash }) => hash)));
  const gone = (sets[0]?.items ?? []).filter(
    ({ hash }) => !present.has(hash) && others.every((hashes) => hashes.has(hash)),
  );
  const known = new Set(gone.map(({ hash }) => hash));
  const kept = earlier.filter(({ hash }) => !known.has(hash) && !present.has(hash));
  return [...kept, ...gone.map(({ hash, statement, rows }) => ({ hash, statement, rows }))];
}

/** Whether an entry says what the user took out, from no other rows. */
export function isDeleted(entry: { text: string; rows: RowTimes }, deleted: readonly DeletedItem[]): boolean {
  if (deleted.length === 0) return false;
  const statement = statementHash(entry.text);
  return deleted.some(
    (gone) =>
      (gone.statement === statement || gone.hash === itemHash(entry.text)) &&
      Object.entries(entry.rows).every(([threadId, time]) => gone.rows[threadId] === time),
  );
}

/** sha256 of an item's statement (byte text). */
function statementHash(itemText: string): string {
  return sha256Hex(Buffer.from(statementOf(itemText), "latin1"));
}

/** Every list item of a document, in whatever section. */
function allItems(document: MemoryDocument): MemoryItem[] {
  return document.sections.flatMap((section) => section.blocks.filter((block) => block.type === "item"));
}

/** The generated items of a document as a record lists them; `describe` gives author and rows of each. */
export function publishedItems(document: MemoryDocument, describe: (item: MemoryItem) => Origin): PublishedItem[] {
  const found = new Map<string, PublishedItem>();
  for (const { item } of citedItems(document)) {
    const origin = describe(item);
    const hash = itemHash(item.text);
    if (origin !== "user")
      found.set(hash, { hash, statement: statementHash(item.text), by: origin.by, rows: origin.rows });
  }
  return [...found.values()];
}

type Packed<Item> = Omit<Item, "rows"> & { rows: readonly number[] };
type StoredSet = Omit<PublishedSet, "items"> & { items: readonly Packed<PublishedItem>[] };
type Stored = Omit<Published, "before" | "after" | "deleted"> & {
  before: StoredSet;
  after: StoredSet;
  deleted: readonly Packed<DeletedItem>[];
  rows: readonly (readonly [string, UnixSeconds])[];
};

function isStored(value: unknown): value is Stored {
  if (!isRecord(value) || value.version !== 1 || typeof value.token !== "string") return false;
  return isSet(value.before) && isSet(value.after) && listOf(value.deleted, isDeletedItem) && listOf(value.rows, isRow);
}

function isSet(value: unknown): boolean {
  if (!isRecord(value) || !(value.memory === null || typeof value.memory === "string")) return false;
  return listOf(value.items, isItem) && listOf(value.skills, isSkill);
}

function isDeletedItem(value: unknown): boolean {
  if (!isRecord(value) || typeof value.hash !== "string" || typeof value.statement !== "string") return false;
  return listOf(value.rows, (index) => typeof index === "number");
}

function isItem(value: unknown): boolean {
  return isDeletedItem(value) && isRecord(value) && typeof value.by === "string";
}

function isSkill(value: unknown): boolean {
  if (!isRecord(value) || !listOf(value.providers, (provider) => typeof provider === "string")) return false;
  return [value.path, value.hash, value.by].every((part) => typeof part === "string");
}

function isRow(value: unknown): boolean {
  return Array.isArray(value) && typeof value[0] === "string" && typeof value[1] === "number";
}

function listOf(value: unknown, is: (entry: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(is);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
