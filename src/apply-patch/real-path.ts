import { lstatSync, readlinkSync } from "node:fs";
import { dirname, join, parse, sep } from "node:path";
import { errnoOf } from "#lib/errors.ts";

/** As many as Linux follows before it answers ELOOP. */
const MAX_LINKS = 40;

/**
 * Where a write to the absolute path would land: every symbolic link followed, dangling ones too, and
 * what does not exist kept as written. Throws ELOOP for a cycle, or the system error of a folder that
 * cannot be searched.
 */
export function realTarget(path: string): string {
  return walk(path, true);
}

/** The directory entry the absolute path names: links followed in its folder, not in its last part. */
export function realEntry(path: string): string {
  return walk(path, false);
}

function walk(path: string, followLast: boolean): string {
  const root = parse(path).root;
  const pending = path.slice(root.length).split(sep).filter(Boolean);
  let resolved = root;
  let links = 0;
  while (pending.length > 0) {
    const name = pending.shift() ?? "";
    if (name === ".") continue;
    if (name === "..") {
      resolved = dirname(resolved);
      continue;
    }
    const next = join(resolved, name);
    const link = pending.length > 0 || followLast ? linkText(next) : undefined;
    if (link === undefined) {
      resolved = next;
      continue;
    }
    if (++links > MAX_LINKS) throw Object.assign(new Error(`ELOOP: ${path}`), { code: "ELOOP" });
    const linkRoot = parse(link).root;
    if (linkRoot !== "") resolved = linkRoot;
    pending.unshift(...link.slice(linkRoot.length).split(sep).filter(Boolean));
  }
  return resolved;
}

/** What the link at the path points to, or undefined when there is no link. */
function linkText(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ENOTDIR") return undefined;
    throw error;
  }
}
