import { type Dirent, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { errnoOf, osErrorText } from "#lib/errors.ts";
import { archivedSessionsRoot, parseRolloutName, sessionsRoot } from "#rollout/path.ts";

/** A rollout file as the file system describes it. */
export interface FoundRollout {
  threadId: string;
  path: string;
  archived: boolean;
  bytes: number;
  mtimeMs: number;
}

/** Everything below both trees. */
export interface RolloutWalk {
  /** One per thread: the longest of its files. */
  rollouts: Map<string, FoundRollout>;
  duplicates: { threadId: string; path: string; kept: string }[];
  /** Files found, duplicates included. */
  files: number;
  skipped: { path: string; reason: string }[];
  /** False when a folder could not be read or there is no `sessions` folder: what was not found may still be there. */
  complete: boolean;
}

/** Depth of `YYYY/MM/DD`; deeper folders hold no sessions. */
const DATE_DEPTH = 3;

/** Lists the rollouts of a home; reads no file. */
export function walkRollouts(codexHome: string): RolloutWalk {
  const walk: RolloutWalk = { rollouts: new Map(), duplicates: [], files: 0, skipped: [], complete: true };
  const live = sessionsRoot(codexHome);
  if (statSync(live, { throwIfNoEntry: false }) === undefined) walk.complete = false;
  visitFolder(walk, live, { archived: false, depth: DATE_DEPTH });
  visitFolder(walk, archivedSessionsRoot(codexHome), { archived: true, depth: DATE_DEPTH });
  return walk;
}

function visitFolder(walk: RolloutWalk, folder: string, at: { archived: boolean; depth: number }): void {
  for (const entry of entriesOf(walk, folder)) {
    const path = join(folder, entry.name);
    const name = parseRolloutName(entry.name);
    if (name !== undefined) visitFile(walk, { path, threadId: name.threadId, archived: at.archived });
    else if (!entry.isFile() && at.depth > 0) visitFolder(walk, path, { ...at, depth: at.depth - 1 });
  }
}

function entriesOf(walk: RolloutWalk, folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    const errno = errnoOf(error);
    // Gone since it was listed, or a link to a file: no folder, so nothing was missed in it.
    if (errno === "ENOENT" || errno === "ENOTDIR") return [];
    walk.complete = false;
    walk.skipped.push({ path: folder, reason: osErrorText(error) });
    return [];
  }
}

function visitFile(walk: RolloutWalk, file: Pick<FoundRollout, "path" | "threadId" | "archived">): void {
  try {
    const stat = statSync(file.path, { throwIfNoEntry: false });
    if (stat === undefined) return;
    if (!stat.isFile()) {
      walk.skipped.push({ path: file.path, reason: "it is not a regular file" });
      return;
    }
    walk.files++;
    keepLonger(walk, { ...file, bytes: stat.size, mtimeMs: stat.mtimeMs });
  } catch (error) {
    walk.complete = false;
    walk.skipped.push({ path: file.path, reason: osErrorText(error) });
  }
}

function keepLonger(walk: RolloutWalk, found: FoundRollout): void {
  const other = walk.rollouts.get(found.threadId);
  const kept = other === undefined || isLonger(found, other) ? found : other;
  walk.rollouts.set(found.threadId, kept);
  if (other === undefined) return;
  const loser = kept === found ? other : found;
  walk.duplicates.push({ threadId: found.threadId, path: loser.path, kept: kept.path });
}

/** Of equally long files the live one, then the one first by name, so that every process decides alike. */
function isLonger(a: FoundRollout, b: FoundRollout): boolean {
  if (a.bytes !== b.bytes) return a.bytes > b.bytes;
  return a.archived === b.archived ? a.path < b.path : !a.archived;
}
