import { dirname } from "node:path";
import { isWithin } from "../roots.ts";

/**
 * One bind mount of a path onto itself, or a cover over a file or folder. The order of kinds is the order of
 * strictness: where two apply to one path, the later wins.
 */
export interface Mount {
  kind: "writable" | "read-only" | "hidden-file" | "hidden-directory";
  path: string;
}

const STRICTNESS = ["writable", "read-only", "hidden-file", "hidden-directory"] as const;

/**
 * The mounts in the order they must be made, outermost first, without those that change nothing (the
 * whole tree is read-only to begin with). Where a mount point lies deeper inside a writable folder, the
 * folders between are mounted too: a mount point cannot be renamed, so nobody can move the protected
 * path away and build another one in its place.
 */
export function orderMounts(wanted: readonly Mount[]): Mount[] {
  const placed = new Map<string, Mount>();
  for (const mount of outermostFirst(strictest(wanted))) {
    const enclosing = nearestEnclosing(mount.path, placed);
    if (enclosing?.kind === "hidden-directory") continue;
    if (mount.kind === "read-only" && enclosing?.kind !== "writable" && !isPrivate(mount.path, enclosing)) continue;
    if (enclosing?.kind === "writable") {
      for (const path of foldersBetween(enclosing.path, mount.path)) placed.set(path, { kind: "writable", path });
    }
    placed.set(mount.path, mount);
  }
  return outermostFirst([...placed.values()]);
}

/** Shared memory is a fresh file system inside, so a host folder below it is absent until mounted. */
function isPrivate(path: string, enclosing: Mount | undefined): boolean {
  return isWithin(path, "/dev") && (enclosing === undefined || !isWithin(enclosing.path, "/dev"));
}

function strictest(mounts: readonly Mount[]): Mount[] {
  const byPath = new Map<string, Mount>();
  for (const mount of mounts) {
    const known = byPath.get(mount.path);
    if (known === undefined || STRICTNESS.indexOf(mount.kind) > STRICTNESS.indexOf(known.kind)) {
      byPath.set(mount.path, mount);
    }
  }
  return [...byPath.values()];
}

function outermostFirst(mounts: readonly Mount[]): Mount[] {
  return [...mounts].sort((left, right) => depth(left.path) - depth(right.path) || (left.path < right.path ? -1 : 1));
}

function depth(path: string): number {
  return path === "/" ? 0 : path.split("/").length - 1;
}

function nearestEnclosing(path: string, placed: ReadonlyMap<string, Mount>): Mount | undefined {
  for (let folder = path; folder !== "/"; ) {
    folder = dirname(folder);
    const mount = placed.get(folder);
    if (mount !== undefined) return mount;
  }
  return undefined;
}

function foldersBetween(outer: string, inner: string): string[] {
  const folders: string[] = [];
  for (let folder = dirname(inner); folder !== outer; folder = dirname(folder)) folders.push(folder);
  return folders;
}
