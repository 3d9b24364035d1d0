import { realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, normalize } from "node:path";
import { deniedByPolicy } from "./deny-read.ts";
import { protectedPaths } from "./protected.ts";
import type { SandboxContext, WritableRoot } from "./sandbox.ts";

/**
 * The folders commands may write to under the context's policy, outermost first: the session's cwd,
 * `/tmp` and `$TMPDIR` unless excluded, the configured roots. Empty for read-only, and for
 * danger-full-access, which has no boundary to describe. Missing folders are left out, as are the
 * kernel's own trees and CODEX_HOME itself.
 *
 * What a path resolves to is fixed when it is first seen in this process. A command that swaps a
 * symbolic link (or a folder for a link) therefore loses the root; it never gains another one.
 */
export function writableRoots(context: SandboxContext): WritableRoot[] {
  const codexHome = canonical(context.codexHome);
  const denied = deniedByPolicy(context.policy, canonical(context.sessionCwd)).map(({ path }) => path);
  return existingRoots(context, codexHome).map((root) => ({
    root,
    readOnly: [
      ...new Set([
        ...protectedPaths(root, codexHome).map((entry) => entry.path),
        ...denied.filter((path) => isWithin(path, root)),
      ]),
    ],
  }));
}

/** Whether a command under these roots may write the canonical path. The most specific entry decides. */
export function isWritablePath(path: string, roots: readonly WritableRoot[]): boolean {
  let best = { length: -1, writable: false };
  const consider = (entry: string, writable: boolean) => {
    if (isWithin(path, entry) && (entry.length > best.length || (entry.length === best.length && !writable))) {
      best = { length: entry.length, writable };
    }
  };
  for (const { root, readOnly } of roots) {
    consider(root, true);
    for (const entry of readOnly) consider(entry, false);
  }
  return best.writable;
}

/** Whether `path` is `folder` or below it. Both absolute and normalised. */
export function isWithin(path: string, folder: string): boolean {
  if (path === folder || folder === "/") return true;
  return path.startsWith(folder) && path[folder.length] === "/";
}

/** The canonical roots that exist now and are still what they were when first seen. */
export function existingRoots(context: SandboxContext, codexHome: string): string[] {
  const roots = new Set(declaredRoots(context).filter(isAbsolute).map(canonical));
  return [...roots]
    .filter((root) => root !== codexHome && !isKernelTree(root) && resolvesToItself(root))
    .sort((left, right) => (left < right ? -1 : 1));
}

/** The path with symbolic links resolved as they were when this process first saw it. */
export function canonical(path: string): string {
  const known = firstSeen.get(path);
  if (known !== undefined) return known;
  const resolved = resolveExisting(normalize(path));
  firstSeen.set(path, resolved);
  return resolved;
}

const firstSeen = new Map<string, string>();

function declaredRoots({ policy, sessionCwd, tmpdir }: SandboxContext): string[] {
  if (policy.type !== "workspace-write") return [];
  const roots = [sessionCwd, ...(policy.writable_roots ?? [])];
  if (!policy.exclude_slash_tmp) roots.push("/tmp");
  if (!policy.exclude_tmpdir_env_var && tmpdir !== undefined) roots.push(tmpdir);
  return roots;
}

/** `/proc` and `/sys` are the machine's, `/dev` is private inside; only shared memory below it is a place for files. */
function isKernelTree(root: string): boolean {
  if (isWithin(root, "/dev")) return !isWithin(root, "/dev/shm");
  return isWithin(root, "/proc") || isWithin(root, "/sys");
}

function resolvesToItself(path: string): boolean {
  try {
    return realpathSync(path) === path;
  } catch {
    return false;
  }
}

/** Resolves the part of the path that exists; what is missing is kept as written. */
function resolveExisting(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(resolveExisting(parent), basename(path));
  }
}
