import {
  citationsIn,
  citedItems,
  itemHash,
  type MemoryDocument,
  type MemoryItem,
  parseMemory,
} from "#memories/memory-grammar.ts";
import type { PublishedSkill } from "./published.ts";
import { fileIn, hashIn, type Tree, type TreeFile } from "./tree.ts";
import { userTexts } from "./user-texts.ts";

/** Most bytes of generated entries in `MEMORY.md`. */
export const MAX_GENERATED_BYTES = 256 * 1024;

/** Most bytes of one generated file below `skills/`. */
const MAX_SKILL_BYTES = 64 * 1024;

export interface ValidationInput {
  /** The staging folder before the consolidator ran, and after. */
  before: Tree;
  after: Tree;
  /** `skills/` of the root: names that are taken though the consolidator did not see them. */
  root: Tree;
  /** Whether a cited item of the staged `MEMORY.md` is generated. */
  isGenerated: (item: MemoryItem) => boolean;
  /** Generated skill files by the records that count. */
  skills: readonly PublishedSkill[];
  /** Threads that may be cited. */
  knownThreads: ReadonlySet<string>;
  hasSecret: (text: string) => boolean;
}

export type Validation =
  | { type: "valid"; memory: string; skills: { path: string; file: TreeFile }[]; dropped: string[] }
  | { type: "invalid"; reason: string };

/** Whether what a consolidator left in its folder may be published. One miss refuses all of it. */
export function validate(input: ValidationInput): Validation {
  const changed = changedPaths(input);
  const reason = changed
    .map((path) => refusedPath(path, input) ?? (path === "MEMORY.md" ? undefined : refusedSkill(path, input)))
    .find((found) => found !== undefined);
  if (reason !== undefined) return { type: "invalid", reason };
  const memory = fileIn(input.after, "MEMORY.md");
  if (memory === undefined) return { type: "invalid", reason: "there is no MEMORY.md" };
  const text = memory.bytes.toString("latin1");
  const refused = changed.includes("MEMORY.md") ? refusedMemory(text, input) : undefined;
  if (refused !== undefined) return { type: "invalid", reason: `MEMORY.md ${refused}` };
  const skillPaths = changed.filter((path) => path !== "MEMORY.md");
  return {
    type: "valid",
    memory: text,
    skills: skillPaths.flatMap((path) => {
      const file = fileIn(input.after, path);
      return file === undefined ? [] : [{ path, file }];
    }),
    dropped: skillPaths.filter((path) => !input.after.has(path)),
  };
}

function changedPaths({ before, after }: ValidationInput): string[] {
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths].filter((path) => hashIn(before, path) !== hashIn(after, path)).toSorted();
}

function refusedPath(path: string, { after }: ValidationInput): string | undefined {
  const file = after.get(path);
  if (file !== undefined && "other" in file) return `"${path}" is ${file.other}`;
  if (file?.linked === true) return `"${path}" is a file with several names`;
  if (path === "MEMORY.md" || /^skills\/[A-Za-z0-9][A-Za-z0-9._-]{0,63}\/[^/].*$/.test(path)) return undefined;
  return `"${path}" is not among what a consolidation may change`;
}

function refusedSkill(path: string, input: ValidationInput): string | undefined {
  const [before, after] = [hashIn(input.before, path), fileIn(input.after, path)];
  const taken = before === "absent" && hashIn(input.root, path) !== "absent";
  const users = before !== "absent" && !input.skills.some((skill) => skill.path === path && skill.hash === before);
  if (taken || users) return `"${path}" is not the consolidation's to change`;
  if (after === undefined) return undefined;
  if (after.bytes.length > MAX_SKILL_BYTES)
    return `"${path}" has ${after.bytes.length} bytes, at most ${MAX_SKILL_BYTES} are allowed`;
  const text = utf8(after.bytes);
  if (text === undefined) return `"${path}" is not UTF-8`;
  if (input.hasSecret(text)) return `"${path}" seems to hold a secret`;
  const folder = path.split("/").slice(0, 2).join("/");
  const main = fileIn(input.after, `${folder}/SKILL.md`);
  if (main === undefined) return `"${folder}" has no SKILL.md`;
  return hasFrontMatter(main.bytes.toString("utf8"))
    ? undefined
    : `"${folder}/SKILL.md" has no front matter with name and description`;
}

function hasFrontMatter(text: string): boolean {
  const head = /^---\r?\n([\s\S]*?)\r?\n---(?:\r?\n|$)/.exec(text)?.[1] ?? "";
  const name = /^name:[ \t]*["']?([a-z0-9-]{1,64})["']?[ \t]*\r?$/m.test(head);
  return name && /^description:[ \t]*\S/m.test(head);
}

function refusedMemory(text: string, input: ValidationInput): string | undefined {
  const document = parseMemory(text);
  if (!document.follows) return 'does not begin with "# Memory"';
  const staged = parseMemory(fileIn(input.before, "MEMORY.md")?.bytes.toString("latin1") ?? "# Memory\n");
  const old = citedItems(staged).map(({ item }) => item);
  const users = new Set(old.filter((item) => !input.isGenerated(item)).map((item) => itemHash(item.text)));
  const kept = new Set(old.filter(input.isGenerated).map((item) => itemHash(item.text)));
  const isGenerated = (item: MemoryItem) => !users.has(itemHash(item.text));
  const [were, are] = [userTexts(staged, input.isGenerated), userTexts(document, isGenerated)];
  if (were.length !== are.length || were.some((one, index) => one !== are[index]))
    return "changes the user's text, or has text that is neither the user's nor a list item with a citation";
  if (!inOrder(document) && inOrder(staged)) return "has its sections out of order";
  const items = citedItems(document).filter(({ item }) => isGenerated(item));
  const size = items.reduce((sum, { item }) => sum + item.text.length, 0);
  if (size > MAX_GENERATED_BYTES) return `has ${size} bytes of entries, at most ${MAX_GENERATED_BYTES} are allowed`;
  const added = items.map(({ item }) => item.text).filter((item) => !kept.has(itemHash(item)));
  return added.map((item) => refusedEntry(item, input)).find((reason) => reason !== undefined);
}

function refusedEntry(byteText: string, input: ValidationInput): string | undefined {
  const text = utf8(Buffer.from(byteText, "latin1"));
  if (text === undefined) return "has an entry that is not UTF-8";
  const unknown = citationsIn(text).find(({ threadId }) => !input.knownThreads.has(threadId));
  if (unknown !== undefined) return `cites the unknown thread ${unknown.threadId}`;
  return input.hasSecret(text) ? "has an entry that seems to hold a secret" : undefined;
}

function inOrder(document: MemoryDocument): boolean {
  const order = { head: 0, summary: 1, preferences: 2, project: 3, notes: 4 };
  const ranks = document.sections.flatMap(({ kind }) => (kind === "other" ? [] : [order[kind]]));
  return ranks.every((rank, index) => index === 0 || rank >= (ranks[index - 1] ?? 0));
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
