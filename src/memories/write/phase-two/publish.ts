import { chmodSync, mkdirSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { PublishStep } from "#state/phase-two.ts";
import { ensureFolder, isFolder, writeTemporary } from "../artifacts/folder.ts";
import { hashAt, hashIn, readRoot, sameTree, type Tree } from "./tree.ts";

/** What a consolidation wants in the root. Paths are relative to it. */
export interface PublishPlan {
  /** `MEMORY.md` and `skills/` as they were copied: publishing over anything else would lose an edit. */
  copied: Tree;
  /** Bytes of `.published.json`. */
  record: Buffer;
  /** New and changed files below `skills/`. */
  skills: readonly { path: string; bytes: Buffer; executable: boolean }[];
  /** Files below `skills/` to remove. */
  dropped: readonly string[];
  /** `MEMORY.md`: new bytes, null to remove it, undefined to leave it. */
  memory: Buffer | null | undefined;
}

/** What is ready to be moved into place. */
interface Prepared {
  root: string;
  plan: PublishPlan;
  recordFile: string;
  skillFiles: readonly { path: string; file: string }[];
  memoryFile: string | undefined;
}

/**
 * Writes everything to disk in `folder` (on the root's file system) and returns the step that moves it into place.
 * Whatever can fail for want of space fails here, before a published file is touched.
 */
export function preparePublish(
  root: string,
  folder: string,
  plan: PublishPlan,
  step: (next: string) => void,
): PublishStep {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const write = (bytes: Buffer) => writeTemporary(join(folder, "file"), bytes, { durable: true });
  const prepared: Prepared = {
    root,
    plan,
    recordFile: write(plan.record),
    skillFiles: plan.skills.map(({ path, bytes, executable }) => {
      const file = write(bytes);
      if (executable) chmodSync(file, 0o700);
      return { path, file };
    }),
    memoryFile: Buffer.isBuffer(plan.memory) ? write(plan.memory) : undefined,
  };
  return () => moveAll(prepared, step);
}

/**
 * The record first, `MEMORY.md` last of what is new. Each file is compared again right before it is replaced, so an
 * edit made meanwhile stays; only one made between those two calls is lost.
 */
function moveAll(prepared: Prepared, step: (next: string) => void): "published" | "discarded" {
  const { root, plan } = prepared;
  const isUntouched = (path: string) => hashAt(join(root, path)) === hashIn(plan.copied, path);
  step("compare with what was copied");
  if (!isFolder(root) || !sameTree(readRoot(root), plan.copied)) return "discarded";
  step("move .published.json");
  renameSync(prepared.recordFile, join(root, ".published.json"));
  for (const { path, file } of prepared.skillFiles) {
    step(`move ${path}`);
    ensureFolders(root, path);
    if (!isUntouched(path)) return "discarded";
    renameSync(file, join(root, path));
  }
  if (plan.memory !== undefined) {
    step(plan.memory === null ? "remove MEMORY.md" : "move MEMORY.md");
    if (!isUntouched("MEMORY.md")) return "discarded";
    if (prepared.memoryFile === undefined) rmSync(join(root, "MEMORY.md"), { force: true });
    else renameSync(prepared.memoryFile, join(root, "MEMORY.md"));
  }
  for (const path of plan.dropped) {
    step(`remove ${path}`);
    if (isUntouched(path)) removeWithEmptyFolders(root, path);
  }
  step("commit");
  return "published";
}

function ensureFolders(root: string, path: string): void {
  const parts = dirname(path).split("/");
  for (let depth = 1; depth <= parts.length; depth++) ensureFolder(join(root, ...parts.slice(0, depth)));
}

/** The file, and the folders below `skills/` that it leaves empty. */
function removeWithEmptyFolders(root: string, path: string): void {
  rmSync(join(root, path), { force: true });
  for (let folder = dirname(path); folder.startsWith("skills/"); folder = dirname(folder)) {
    try {
      rmdirSync(join(root, folder));
    } catch {
      return;
    }
  }
}
