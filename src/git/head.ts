import { join } from "node:path";
import { type GitRepository, readSmallFile } from "./repository.ts";

/** What a repository's HEAD says. */
export interface GitHead {
  /** Name without `refs/heads/`; undefined when HEAD is detached. */
  branch: string | undefined;
  /** Full object id; undefined before the first commit. */
  commit: string | undefined;
}

const OBJECT_ID = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;
/** Symbolic refs that lead to symbolic refs are legal but rare; git itself stops at five. */
const MAX_HOPS = 5;

/**
 * Reads HEAD from the files themselves. Undefined when the repository stores refs in a way only git
 * understands (reftable, refs in a file larger than 1 MiB), or when HEAD is damaged.
 */
export function readHead(repository: GitRepository): GitHead | undefined {
  let content = readSmallFile(join(repository.gitDir, "HEAD"))?.trim();
  let branch: string | undefined;
  for (let hop = 0; hop < MAX_HOPS; hop++) {
    if (content === undefined) return undefined;
    if (OBJECT_ID.test(content)) return { branch, commit: content };
    const ref = /^ref: (refs\/[^\s\\]+)$/.exec(content)?.[1];
    if (ref === undefined || ref.split("/").includes("..") || ref === "refs/heads/.invalid") return undefined;
    if (hop === 0 && ref.startsWith("refs/heads/")) branch = ref.slice("refs/heads/".length);
    const stored = readRef(repository, ref);
    if (stored === "unborn") return { branch, commit: undefined };
    content = stored;
  }
  return undefined;
}

/** The content of a ref, "unborn" when it does not exist, or undefined when that cannot be told. */
function readRef(repository: GitRepository, ref: string): string | "unborn" | undefined {
  for (const folder of new Set([repository.gitDir, repository.commonDir])) {
    const loose = readSmallFile(join(folder, ref))?.trim();
    if (loose !== undefined && loose !== "") return loose;
  }
  return readPackedRef(join(repository.commonDir, "packed-refs"), ref);
}

function readPackedRef(path: string, ref: string): string | "unborn" | undefined {
  const packed = readSmallFile(path);
  if (packed === undefined) return existsButTooLarge(path) ? undefined : "unborn";
  const end = packed.indexOf(` ${ref}\n`);
  if (end === -1) return "unborn";
  return packed.slice(packed.lastIndexOf("\n", end) + 1, end);
}

function existsButTooLarge(path: string): boolean {
  return Bun.file(path).size > 0;
}
