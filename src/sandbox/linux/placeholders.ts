import { lstatSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { monotonicMs } from "#lib/clock.ts";
import { errnoOf } from "#lib/errors.ts";
import { sha256Hex } from "#lib/hash.ts";
import { randomHex } from "#lib/ids.ts";

/** How long another process may take to remove a placeholder; it needs microseconds. */
const REMOVAL_MS = 5_000;

/** So that a heap of leftovers does not hold up a command. */
const LEFTOVERS_AT_ONCE = 32;

/** How long a placeholder nobody holds is kept for the next command: making and removing it takes longer than planning. */
const LINGER_MS = 200;

/**
 * A name that must not come into being is held by an empty folder, mounted read-only inside. The folder
 * is on the real disk, so it must go when the last command that relies on it has ended, and no earlier:
 * removing a folder detaches what is mounted on it in every other namespace, without a word. It goes a
 * moment after that, or when the process exits; those of a killed process go with the next command there.
 *
 * Who relies on a placeholder is written down as files in a registry folder that commands cannot reach:
 * `<hash>.uses.<process>` from before the folder is made until after it is removed, and
 * `<hash>.removes.<process>` while its process looks for other users and removes it. Both sides write
 * their own file first and read the other's second, so one of two that meet always sees the other.
 * Who removes is no user any more, so of two that remove at once neither leaves it to the other. Files of
 * processes that have died count as absent.
 */
export class Placeholders {
  readonly #registry: string;
  readonly #process: string;
  /** Placeholders of ours, with the number of commands that rely on each. */
  readonly #holders = new Map<string, number>();
  #sweep: NodeJS.Timeout | undefined;
  #cleared = false;

  /** `registry` is made when first needed, for this user alone. */
  constructor(registry: string) {
    this.#registry = registry;
    // Two of these in one process are strangers to each other.
    this.#process = `${processIdentity(process.pid) ?? `${process.pid}-`}-${randomHex(8)}`;
  }

  /** Whether the folder at `path` is a placeholder of a command, alive or long gone, rather than the user's own. */
  isPlaceholder(path: string): boolean {
    return this.#holders.has(path) || this.#entries(path).some((entry) => entry.kind === "uses");
  }

  /**
   * Makes (or shares) the placeholder. "held": call `drop` once the command has ended. "not-possible":
   * nobody can create the name, a command neither. "taken": something else is there by now. Throws the
   * system error when the folder could exist but cannot be made now (full disk).
   */
  hold(path: string): "held" | "not-possible" | "taken" {
    const holders = this.#holders.get(path);
    if (holders === undefined || !isFolder(path)) {
      const outcome = this.#take(path);
      if (outcome !== "held") return outcome;
    }
    this.#holders.set(path, (holders ?? 0) + 1);
    return "held";
  }

  /** Gives up one hold; with the last one anywhere, the folder goes, unless somebody has put something into it. */
  drop(path: string): void {
    const holders = this.#holders.get(path);
    if (holders === undefined || holders === 0) return;
    this.#holders.set(path, holders - 1);
    if (holders === 1) this.#removeSoon();
  }

  /** Removes at once what no command of this process relies on. */
  sweep(): void {
    clearTimeout(this.#sweep);
    for (const [path, holders] of this.#holders) {
      if (holders > 0) continue;
      this.#holders.delete(path);
      this.#remove(path);
    }
  }

  readonly #sweepAtExit = () => this.sweep();

  #removeSoon(): void {
    if (this.#sweep === undefined) process.on("exit", this.#sweepAtExit);
    clearTimeout(this.#sweep);
    this.#sweep = setTimeout(() => this.sweep(), LINGER_MS);
    this.#sweep.unref();
  }

  #take(path: string): "held" | "not-possible" | "taken" {
    if (!this.#cleared) this.#clearLeftovers();
    const shared = this.isPlaceholder(path);
    this.#write(path, "uses");
    this.#awaitRemovers(path);
    try {
      mkdirSync(path);
      return "held";
    } catch (error) {
      const code = errnoOf(error);
      // Another process may have made it since we looked.
      if (code === "EEXIST" && (shared || this.#isOfOthers(path)) && isFolder(path)) return "held";
      this.#erase(path, "uses");
      if (code === "EEXIST") return "taken";
      if (isLasting(code, dirname(path))) return "not-possible";
      throw error;
    }
  }

  /** What killed processes left anywhere goes once per process, a few at a time. */
  #clearLeftovers(): void {
    this.#cleared = true;
    const leftovers = readFolder(this.#registry).map(parseEntry).filter(isEntry).filter(hasDied);
    for (const { name, kind } of leftovers.slice(0, LEFTOVERS_AT_ONCE)) {
      const path = readPath(join(this.#registry, name));
      if (kind === "uses" && path !== undefined) this.#remove(path);
      rmSync(join(this.#registry, name), { force: true });
    }
  }

  #remove(path: string): void {
    try {
      this.#write(path, "removes");
      if (!this.#isUsed(path)) removeEmptyFolder(path);
    } catch {
      // Without a word in the registry nothing may be removed; the next command on this folder will.
      return;
    }
    this.#erase(path, "uses");
    this.#erase(path, "removes");
  }

  /** Whether another process relies on it. */
  #isUsed(path: string): boolean {
    const entries = this.#entries(path);
    const removers = new Set(entries.filter(({ kind }) => kind === "removes").map(({ process }) => process));
    return entries.some((entry) => entry.kind === "uses" && !removers.has(entry.process) && this.#isOther(entry));
  }

  #isOfOthers(path: string): boolean {
    return this.#entries(path).some((entry) => entry.kind === "uses" && entry.process !== this.#process);
  }

  #awaitRemovers(path: string): void {
    const deadline = monotonicMs() + REMOVAL_MS;
    while (this.#entries(path).some((entry) => entry.kind === "removes" && this.#isOther(entry))) {
      if (monotonicMs() > deadline) throw new Error(`another process has been removing "${path}" for too long`);
      Bun.sleepSync(1);
    }
  }

  #isOther(entry: Entry): boolean {
    if (entry.process === this.#process) return false;
    if (!hasDied(entry)) return true;
    rmSync(join(this.#registry, entry.name), { force: true });
    return false;
  }

  #entries(path: string): Entry[] {
    const hash = hashOf(path);
    const names = readFolder(this.#registry).filter((name) => name.startsWith(hash));
    return names.map(parseEntry).filter(isEntry);
  }

  /** The path is written down for whoever wonders what a leftover file is about. */
  #write(path: string, kind: "uses" | "removes"): void {
    mkdirSync(this.#registry, { recursive: true, mode: 0o700 });
    writeFileSync(this.#file(path, kind), path, { mode: 0o600 });
  }

  #erase(path: string, kind: "uses" | "removes"): void {
    rmSync(this.#file(path, kind), { force: true });
  }

  #file(path: string, kind: "uses" | "removes"): string {
    return join(this.#registry, `${hashOf(path)}.${kind}.${this.#process}`);
  }
}

interface Entry {
  name: string;
  kind: string;
  process: string;
}

function parseEntry(name: string): Entry | undefined {
  const [, kind, process] = name.split(".");
  return kind === undefined || process === undefined ? undefined : { name, kind, process };
}

function isEntry(entry: Entry | undefined): entry is Entry {
  return entry !== undefined;
}

/** Whether the process that wrote the entry is gone. */
function hasDied(entry: Entry): boolean {
  const identity = processIdentity(Number.parseInt(entry.process, 10));
  return identity === undefined || !entry.process.startsWith(`${identity}-`);
}

function readPath(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/**
 * Where placeholders are written down: shared memory, which is private inside the sandbox and empties
 * with a reboot as the processes do; or CODEX_HOME, which is never writable inside. A folder somebody
 * else made under our name is not used.
 */
export function placeholderRegistry(codexHome: string, userId: number): string {
  const shared = `/dev/shm/codex-sandbox-${userId}`;
  if (isFolder("/dev/shm") && isOurs(shared, userId)) return shared;
  return join(codexHome, "tmp", "sandbox-placeholders");
}

function isOurs(path: string, userId: number): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") return false;
    const stats = lstatSync(path, { throwIfNoEntry: false });
    return stats?.isDirectory() === true && stats.uid === userId && (stats.mode & 0o077) === 0;
  }
}

/** `<pid>-<start time>`, which no later process with the same number shares; undefined when there is none. */
function processIdentity(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in parentheses and may hold anything; the start time is the 22nd.
    const started = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    return `${pid}-${started}`;
  } catch {
    return undefined;
  }
}

/** Whether a command in the same place would fail for the same reason, whatever it tries first. */
function isLasting(code: string | undefined, folder: string): boolean {
  if (code === "EROFS" || code === "EPERM" || code === "ENOENT") return true;
  // Without write permission: the owner of the folder could give it to himself.
  return code === "EACCES" && lstatSync(folder, { throwIfNoEntry: false })?.uid !== process.getuid?.();
}

function hashOf(path: string): string {
  return sha256Hex(path).slice(0, 32);
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function readFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function removeEmptyFolder(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Somebody put a file into it or took it away: it is theirs now.
  }
}
