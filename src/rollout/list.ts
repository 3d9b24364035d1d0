import { type Dirent, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { localDateParts } from "#lib/clock.ts";
import { realPath } from "#lib/real-path.ts";
import type { SessionMeta } from "#protocol/rollout-item.ts";
import { archivedSessionsRoot, parseRolloutName, sessionsRoot } from "./path.ts";
import { readSessionMeta } from "./reader.ts";

/** A rollout file by its name only; nothing of it has been read. */
export interface RolloutFile {
  path: string;
  threadId: string;
  /** `YYYY-MM-DDTHH-MM-SS`, local time of creation; sorts as text. */
  created: string;
}

/** Depth of `YYYY/MM/DD`; deeper folders hold no sessions. */
const DATE_DEPTH = 3;

/**
 * The rollouts below a folder, newest creation first, read folder by folder as the caller goes on. A
 * missing or unreadable folder is empty; folders and links to nowhere with a rollout's name are left out.
 */
export function* listRollouts(root: string, depth = DATE_DEPTH): Generator<RolloutFile> {
  const entries = readFolder(root);
  const files = entries.flatMap((entry) => rolloutFile(root, entry));
  yield* files.sort((a, b) => (a.created === b.created ? compare(b.path, a.path) : compare(b.created, a.created)));
  if (depth === 0) return;
  const folders = entries.filter((entry) => !entry.isFile() && parseRolloutName(entry.name) === undefined);
  for (const folder of folders
    .map((entry) => entry.name)
    .sort(compare)
    .reverse()) {
    yield* listRollouts(join(root, folder), depth - 1);
  }
}

function readFolder(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    return [];
  }
}

function rolloutFile(root: string, entry: Dirent): RolloutFile[] {
  const name = parseRolloutName(entry.name);
  if (name === undefined) return [];
  const path = join(root, entry.name);
  // Only a link needs a system call of its own to learn what it leads to.
  if (!entry.isFile() && !(entry.isSymbolicLink() && modifiedMs(path) !== undefined)) return [];
  return [{ path, ...name }];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Milliseconds since the epoch of a regular file's last change, or undefined for anything else. */
function modifiedMs(path: string): number | undefined {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat?.isFile() ? stat.mtimeMs : undefined;
  } catch {
    // A circle of links, or no permission to look.
    return undefined;
  }
}

/**
 * The rollout of a thread, or undefined. The day its id was made is looked at first, then all live sessions,
 * then archived ones; among several files of one id in one place the most recently changed wins.
 */
export function findRollout(codexHome: string, threadId: string): string | undefined {
  const id = threadId.toLowerCase();
  const live = sessionsRoot(codexHome);
  const everywhere = [live, archivedSessionsRoot(codexHome)].map((root) => () => [...listRollouts(root)]);
  const likely = () => likelyFolders(live, id).flatMap((folder) => [...listRollouts(folder, 0)]);
  for (const files of [likely, ...everywhere]) {
    const newest = newestFirst(files().filter((file) => file.threadId === id))[0];
    if (newest) return newest.path;
  }
  return undefined;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** The date folders around the time a version 7 UUID carries: its day in any time zone. */
function likelyFolders(root: string, id: string): string[] {
  if (id.charAt(14) !== "7") return [];
  const madeAt = Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16);
  return [madeAt, madeAt - DAY_MS, madeAt + DAY_MS].map((ms) => {
    const { year, month, day } = localDateParts(ms);
    return join(root, year, month, day);
  });
}

function newestFirst(files: readonly RolloutFile[]): RolloutFile[] {
  const dated = files.flatMap((file) => {
    const modified = modifiedMs(file.path);
    return modified === undefined ? [] : [{ file, modified }];
  });
  // A stable sort keeps the listing's order, newest creation first, for equal times.
  return dated.sort((a, b) => b.modified - a.modified).map((entry) => entry.file);
}

/** Which sessions `findLatest` looks for. */
export interface LatestFilter {
  /** Only sessions that began in this folder (links resolved on both sides). */
  cwd?: string;
  /** Only sessions of this provider. */
  modelProvider?: string;
}

/**
 * The live session that was changed last, or undefined. Sub-agents' sessions (reviews) are never meant. All
 * files are looked at, since an old session may be the last one used, but only heads are read, newest first.
 */
export function findLatest(codexHome: string, filter: LatestFilter = {}): string | undefined {
  const cwd = filter.cwd === undefined ? undefined : (realPath(filter.cwd) ?? filter.cwd);
  for (const file of newestFirst([...listRollouts(sessionsRoot(codexHome))])) {
    const meta = readSessionMeta(file.path);
    if (meta && matches(meta, cwd, filter.modelProvider)) return file.path;
  }
  return undefined;
}

/** Live sessions, the most recently changed first. */
export function listRecent(codexHome: string): RolloutFile[] {
  return newestFirst([...listRollouts(sessionsRoot(codexHome))]);
}

function matches(meta: SessionMeta, cwd: string | undefined, provider: string | undefined): boolean {
  if (typeof meta.source === "object") return false;
  if (provider !== undefined && meta.model_provider !== provider) return false;
  return cwd === undefined || meta.cwd === cwd || (realPath(meta.cwd) ?? meta.cwd) === cwd;
}
