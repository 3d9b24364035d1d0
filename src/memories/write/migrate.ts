import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { errnoOf } from "#lib/errors.ts";
import { uuidv7 } from "#lib/ids.ts";
import {
  checkMemoryRoot,
  ensureMemoryRoot,
  type MemoryLayout,
  memoryLayout,
  migrationStaging,
} from "#memories/layout.ts";
import type { StateStore } from "#state/store.ts";
import { ensureFolder, readRegular, type StepHook, stepCounter } from "./artifacts/folder.ts";

/** `moved`: what the old folder held is in the root now. */
export type MigrationOutcome = "nothing_to_do" | "moved";

/** What keeps a root from being filled: somebody began there already. */
const ROOT_ENTRIES = ["rollout_summaries", "raw_memories.md", "MEMORY.md", "consolidated.md", "skills"] as const;

/** What stays at the source: forms that nothing reads any more, and names that are the root's own. */
const LEFT_BEHIND: ReadonlySet<string> = new Set(["raw_memories", "memory_summary.md", ".staging", ".published.json"]);

/**
 * Brings the shared user memory of an earlier layout (`memories/user/memory`) into the root, once. Runs before
 * anything syncs, claims or publishes. The source is copied, never changed; nothing in the root is overwritten; links
 * are not followed. A start after a crash goes on whatever the root holds by then; of two processes one does it.
 */
export async function migrateLegacyMemory(
  store: StateStore,
  options: { codexHome: string; onStep?: StepHook },
): Promise<MigrationOutcome> {
  const { legacyMigration } = await store.meta.read();
  const layout = memoryLayout(options.codexHome);
  if (checkMemoryRoot(layout) === "missing") return "nothing_to_do";
  if (legacyMigration === "done") {
    removeCopies(layout);
    return "nothing_to_do";
  }
  if (legacyMigration === "none" && !isWanted(layout)) return "nothing_to_do";
  const step = stepCounter(options.onStep);
  step("note that it started");
  if ((await store.meta.startLegacyMigration()) === "done") return "nothing_to_do";
  const token = uuidv7();
  const staging = migrationStaging(layout, token);
  try {
    step("copy");
    stageCopy(layout, staging, step);
    step("move into place");
    const moved = await store.meta.finishLegacyMigration(() => moveEntries(layout, staging, step));
    return moved ? "moved" : "nothing_to_do";
  } catch (error) {
    // Whoever was first removes the copies of the others, in the middle of their work.
    if ((await store.meta.read()).legacyMigration !== "done") throw error;
    return "nothing_to_do";
  } finally {
    rmSync(staging, { recursive: true, force: true });
    removeIfEmpty(layout.staging);
  }
}

function isWanted(layout: MemoryLayout): boolean {
  if (!isRealFolder(join(layout.root, "user")) || !isRealFolder(layout.legacyUserMemory)) return false;
  return ROOT_ENTRIES.every((name) => !isThere(join(layout.root, name)));
}

/** Everything that is to be moved, complete and on disk, under the names it gets in the root. */
function stageCopy(layout: MemoryLayout, staging: string, step: (next: string) => void): void {
  ensureMemoryRoot(layout);
  ensureFolder(layout.staging);
  mkdirSync(staging, { mode: 0o700 });
  const source = layout.legacyUserMemory;
  if (!isRealFolder(join(layout.root, "user")) || !isRealFolder(source)) return;
  for (const entry of readdirSync(source).toSorted()) {
    if (LEFT_BEHIND.has(entry)) continue;
    step(`copy ${entry}`);
    copyTree(join(source, entry), join(staging, entry));
  }
  const memory = join(staging, "MEMORY.md");
  if (isThere(memory)) return;
  const text = readText(join(source, "memory_summary.md")) ?? readText(join(source, "consolidated.md"));
  if (text === undefined) return;
  step("write MEMORY.md");
  writeFileSync(memory, Buffer.concat([Buffer.from("# Memory\n\n## Notes\n\n"), text]), { mode: 0o600 });
  flush(memory);
}

/** Regular files and folders; links and anything else are left out. */
function copyTree(from: string, to: string): void {
  const stat = lstatSync(from);
  if (stat.isDirectory()) {
    mkdirSync(to, { mode: 0o700 });
    for (const name of readdirSync(from)) copyTree(join(from, name), join(to, name));
  } else if (stat.isFile()) {
    copyFileSync(from, to, constants.COPYFILE_EXCL);
    flush(to);
  }
}

/** Entry by entry, `MEMORY.md` last: once it stands there, the rest does. */
function moveEntries(layout: MemoryLayout, staging: string, step: (next: string) => void): void {
  const names = readdirSync(staging).toSorted();
  for (const name of [...names.filter((one) => one !== "MEMORY.md"), ...names.filter((one) => one === "MEMORY.md")]) {
    step(`move ${name}`);
    moveWithoutOverwriting(join(staging, name), join(layout.root, name));
  }
  step("commit");
}

/** A folder that is there already (a crash came between) gets what it lacks. */
function moveWithoutOverwriting(from: string, to: string): void {
  if (!isThere(to)) renameSync(from, to);
  else if (isRealFolder(from) && isRealFolder(to))
    for (const name of readdirSync(from)) moveWithoutOverwriting(join(from, name), join(to, name));
}

/** What processes left that died, or are late. */
function removeCopies(layout: MemoryLayout): void {
  if (!isRealFolder(layout.staging)) return;
  for (const name of readdirSync(layout.staging))
    if (name.startsWith("migrate-")) rmSync(join(layout.staging, name), { recursive: true, force: true });
  removeIfEmpty(layout.staging);
}

function readText(path: string): Buffer | undefined {
  const bytes = readRegular(path);
  return typeof bytes === "string" ? undefined : bytes;
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function isRealFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function flush(path: string): void {
  const fd = openSync(path, "r+");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function removeIfEmpty(folder: string): void {
  if (!existsSync(folder)) return;
  try {
    rmdirSync(folder);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
  }
}
