import { closeSync, constants, openSync, readlinkSync } from "node:fs";
import { errnoOf } from "#lib/errors.ts";

/**
 * Hands `use` a path that stays in this very folder, even when somebody swaps the folder, or one above it, for a link
 * meanwhile. `folder` is real: no part of it is a link, or it throws ELOOP. Where there is no `/proc` the path is
 * `folder` itself.
 */
export function withPinnedFolder<T>(folder: string, use: (path: string) => T): T {
  if (process.platform !== "linux") return use(folder);
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const pinned = `/proc/self/fd/${fd}`;
    const opened = linkOf(pinned);
    if (opened === undefined) return use(folder);
    if (opened !== folder) throw Object.assign(new Error(`ELOOP: ${folder}`), { code: "ELOOP" });
    return use(pinned);
  } finally {
    closeSync(fd);
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
