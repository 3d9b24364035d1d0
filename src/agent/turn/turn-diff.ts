import { lstatSync, readlinkSync, type Stats } from "node:fs";
import { dirname, relative } from "node:path";
import { type FilePair, type FileVersion, gitDiff } from "#apply-patch/git-diff.ts";
import { readForPatch } from "#apply-patch/read-file.ts";
import { findGitRoot } from "#git/repository.ts";
import type { Event } from "#protocol/events.ts";
import type { FileChange } from "#protocol/file-change.ts";

/** 16 MiB: a larger file is not told of, since both versions are held in memory. */
const MAX_TOLD_BYTES = 16 << 20;

/** A file that a patch of the turn is about. */
interface Tracked {
  /** Where it was before the first patch. Absolute. */
  oldPath: string;
  before: FileVersion | "untold" | null;
}

/**
 * Tells what has become of the files that the patches of one turn were about: after each patch, and after each round of
 * the model, since commands change them too. Costs nothing until there is a patch.
 */
export class TurnDiff {
  readonly #emit: (event: Event) => void;
  /** By where the file is now. Absolute. */
  readonly #files = new Map<string, Tracked>();
  #telling: Promise<void> = Promise.resolve();

  constructor(emit: (event: Event) => void) {
    this.#emit = emit;
  }

  /** Passes on an event of a tool, and follows what it says of patches. */
  follow(event: Event): void {
    if (event.type === "patch_started") this.#begin(event.changes);
    this.#emit(event);
    if (event.type !== "patch_finished") return;
    if (event.success) this.#moved(event.changes);
    this.tell();
  }

  /** Tells of the files as they are at this moment, if they are not as they were. */
  tell(): void {
    if (this.#files.size === 0) return;
    const pairs = [...this.#files]
      .flatMap(([path, file]) => pairOf(path, file))
      .sort((a, b) => (a.newPath < b.newPath ? -1 : 1));
    this.#telling = this.#telling.then(async () => {
      const diffs: string[] = [];
      for (const pair of pairs) diffs.push(await gitDiff(pair));
      const unifiedDiff = diffs.join("");
      if (unifiedDiff !== "") this.#emit({ type: "turn_diff", unifiedDiff });
    });
  }

  /** Resolves when everything so far is told. */
  told(): Promise<void> {
    return this.#telling;
  }

  #begin(changes: readonly FileChange[]): void {
    for (const { path } of changes) {
      if (!this.#files.has(path)) this.#files.set(path, { oldPath: path, before: versionAt(path) });
    }
  }

  #moved(changes: readonly FileChange[]): void {
    for (const { path, movePath } of changes) {
      const file = this.#files.get(path);
      if (movePath === undefined || file === undefined) continue;
      this.#files.delete(path);
      this.#files.set(movePath, file);
    }
  }
}

function pairOf(path: string, { oldPath, before }: Tracked): FilePair[] {
  const after = versionAt(path);
  if (before === "untold" || after === "untold") return [];
  return [{ oldPath: shownPath(oldPath), newPath: shownPath(path), before, after }];
}

/** Below the repository it is in, or absolute where there is none. */
function shownPath(path: string): string {
  const root = findGitRoot(dirname(path));
  return root === undefined ? path : relative(root, path);
}

/** What stands at a path; null when nothing does. */
function versionAt(path: string): FileVersion | "untold" | null {
  const stat = statOf(path);
  if (stat === undefined) return null;
  if (stat.isSymbolicLink()) return { mode: "120000", content: Buffer.from(readlinkSync(path)) };
  const read = readForPatch(path, MAX_TOLD_BYTES);
  return "reason" in read ? "untold" : { mode: read.mode & 0o111 ? "100755" : "100644", content: read.bytes };
}

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
