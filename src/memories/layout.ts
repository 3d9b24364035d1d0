import { lstatSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { CodexError, errnoOf, osErrorText } from "#lib/errors.ts";

/** The one root of memories and every path under it, all absolute. */
export interface MemoryLayout {
  /** `$CODEX_HOME/memories`, whatever the working directory. */
  root: string;
  /** Folder of one file per thread. */
  rolloutSummaries: string;
  rawMemories: string;
  /** `MEMORY.md`. */
  memory: string;
  skills: string;
  /** What the last consolidation published. */
  published: string;
  /** Copies that are being worked on; removed when their work is done. */
  staging: string;
  /** Shared user memory of an earlier layout, source of the one-time migration. */
  legacyUserMemory: string;
}

/** The paths for a home. Touches no file. */
export function memoryLayout(codexHome: string): MemoryLayout {
  const root = join(codexHome, "memories");
  return {
    root,
    rolloutSummaries: join(root, "rollout_summaries"),
    rawMemories: join(root, "raw_memories.md"),
    memory: join(root, "MEMORY.md"),
    skills: join(root, "skills"),
    published: join(root, ".published.json"),
    staging: join(root, ".staging"),
    legacyUserMemory: join(root, "user", "memory"),
  };
}

/** Name of a thread's summary, relative to the root. */
export function rolloutSummaryName(threadId: string): string {
  return `rollout_summaries/${threadId}.md`;
}

/** Where one consolidation works. */
export function consolidationStaging(layout: MemoryLayout, token: string): string {
  return join(layout.staging, `consolidate-${token}`);
}

/** Where one migration collects its copies. */
export function migrationStaging(layout: MemoryLayout, token: string): string {
  return join(layout.staging, `migrate-${token}`);
}

/** What is at the root's place. */
export type RootState = "folder" | "missing";

/**
 * Looks at the root without following links. A root that is a symlink or no folder is refused with `CodexError`
 * "memory_root": what is read and written there must be what the user sees there.
 */
export function checkMemoryRoot(layout: MemoryLayout): RootState {
  try {
    const stat = lstatSync(layout.root);
    if (stat.isDirectory()) return "folder";
    throw refused(layout.root, stat.isSymbolicLink() ? "a symbolic link" : "not a folder");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return "missing";
    if (error instanceof CodexError) throw error;
    throw new CodexError("memory_root", `Cannot look at the memory folder "${layout.root}": ${osErrorText(error)}`, {
      cause: error,
    });
  }
}

/** As `checkMemoryRoot`, and makes the folder (0700) when it is missing. */
export function ensureMemoryRoot(layout: MemoryLayout): void {
  if (checkMemoryRoot(layout) === "folder") return;
  try {
    mkdirSync(layout.root, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new CodexError("memory_root", `Cannot make the memory folder "${layout.root}": ${osErrorText(error)}`, {
      cause: error,
    });
  }
  checkMemoryRoot(layout);
}

function refused(root: string, found: string): CodexError {
  return new CodexError(
    "memory_root",
    `Cannot use the memory folder "${root}": it is ${found}, and memories are kept in a real folder only. ` +
      "Move it away; a new one is made.",
  );
}
