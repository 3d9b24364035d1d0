import { existsSync, lstatSync, readdirSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { CodexError, messageOf } from "#lib/errors.ts";
import { userHome } from "#lib/home.ts";
import { realPath } from "#lib/real-path.ts";
import type { SandboxPolicy } from "#protocol/policies.ts";
import type { SandboxContext } from "./sandbox.ts";

/** Something commands may neither read nor write. The path is canonical. */
export interface DeniedPath {
  path: string;
  kind: "file" | "directory";
}

/** Each match is a mount, and bubblewrap's time grows with their square: 500 cost about half a second. */
export const MAX_DENIED_PATHS = 500;

/**
 * What the `deny_read` globs match now. Relative patterns are looked for below `cwd`, `~/` below the home
 * folder; `*` and `**` match names that begin with a dot too, and links are not followed while looking, but what a
 * matching link leads to is denied. A pattern that ends with a double star, and a folder of which
 * everything matches, is denied as one folder. Throws a CodexError for more than `MAX_DENIED_PATHS`, for the
 * workspace itself, and for folders that cannot be searched: part of a wish must not pass for all of it.
 */
export function deniedPaths(patterns: readonly string[], cwd: string): DeniedPath[] {
  const found = new Set<string>();
  for (const pattern of patterns.filter((text) => text !== "")) {
    for (const path of matches(absolutePattern(pattern, cwd))) found.add(path);
  }
  const real = [...found].map(realPath).filter((path) => path !== undefined);
  const outermost = withoutNested(wholeFolders(new Set(real), cwd));
  if (outermost.length > MAX_DENIED_PATHS) {
    throw new CodexError(
      "deny_read_too_many",
      `sandbox_workspace_write.deny_read matches ${outermost.length} paths, more than the ${MAX_DENIED_PATHS} that can be hidden for each command. Name whole folders (for example "secrets/**") instead of the files in them`,
    );
  }
  const covering = outermost.find((path) => `${cwd}/`.startsWith(`${path}/`) || path === "/");
  if (covering !== undefined) {
    throw new CodexError(
      "deny_read_workspace",
      `sandbox_workspace_write.deny_read matches "${covering}", which the workspace "${cwd}" is in: no command could run there. Name what is in it instead`,
    );
  }
  return outermost.map((path) => ({ path, kind: lstatSync(path).isDirectory() ? "directory" : "file" }));
}

/**
 * Whether the context keeps commands from reading the path, links followed: for readers of our own that act
 * for the model. A path that is not there is asked about by its name. Only paths are compared: another hard link to the
 * same file is not found. Throws the CodexErrors of `deniedPaths`.
 */
export function deniesRead(path: string, context: SandboxContext): boolean {
  const real = realPath(path) ?? resolve(path);
  const denied = deniedByPolicy(context.policy, realPath(context.sessionCwd) ?? context.sessionCwd);
  return denied.some((entry) => real === entry.path || real.startsWith(`${entry.path}/`));
}

/** What the policy denies now; nothing unless it is workspace-write. `cwd` is the session's, canonical. */
export function deniedByPolicy(policy: SandboxPolicy, cwd: string): DeniedPath[] {
  return policy.type === "workspace-write" && policy.deny_read !== undefined ? deniedPaths(policy.deny_read, cwd) : [];
}

function absolutePattern(pattern: string, cwd: string): string {
  const whole = pattern.replace(/(^|(?<=^\/)|\/)\*\*(\/\*\*)*(\/\*)?\/?$/, "");
  if (whole === "~" || whole.startsWith("~/")) return join(userHome(), whole.slice(1));
  return isAbsolute(whole) ? resolve(whole) : join(cwd, whole);
}

/** Characters with a meaning in a glob; before the first part with one, a pattern is an ordinary path. */
const WILDCARD = /[*?[\]{}!\\]/;

function matches(pattern: string): string[] {
  const parts = pattern.split("/");
  const first = parts.findIndex((part) => WILDCARD.test(part));
  if (first === -1) return existsSync(pattern) ? [pattern] : [];
  const base = parts.slice(0, first).join("/") || "/";
  if (!existsSync(base)) return [];
  const options = { cwd: base, absolute: true, dot: true, onlyFiles: false, followSymlinks: false };
  try {
    return [...new Bun.Glob(parts.slice(first).join("/")).scanSync(options)];
  } catch (error) {
    throw new CodexError(
      "deny_read_search",
      `Cannot look for deny_read "${pattern}" in "${base}": ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
}

/** Puts a folder in the place of its entries where all of them are denied. `keep` and what is above it stay. */
function wholeFolders(paths: ReadonlySet<string>, keep: string): Set<string> {
  const byFolder = new Map<string, string[]>();
  for (const path of paths) {
    const folder = dirname(path);
    const entries = byFolder.get(folder);
    if (entries === undefined) byFolder.set(folder, [path]);
    else entries.push(path);
  }
  const result = new Set(paths);
  for (const [folder, entries] of byFolder) {
    if (entries.length < 2 || `${keep}/`.startsWith(`${folder}/`) || readdirSync(folder).length !== entries.length)
      continue;
    for (const entry of entries) result.delete(entry);
    result.add(folder);
  }
  return result;
}

function withoutNested(paths: ReadonlySet<string>): string[] {
  return [...paths].filter((path) => {
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      if (folder !== path && paths.has(folder)) return false;
      if (folder === dirname(folder)) return true;
    }
  });
}
