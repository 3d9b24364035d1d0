import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomHex } from "#lib/ids.ts";
import { isCompiled } from "#lib/self.ts";

/** Names under which commands can call this executable; `main.ts` dispatches on them. */
const LINK_NAMES = ["apply_patch", "applypatch", "codex-linux-sandbox"] as const;
const FOLDER_PREFIX = "codex-arg0";
const OWNER_FILE = "owner.pid";

/** A folder of links to this executable that leads the commands' PATH. */
export interface Arg0Links {
  /** Absolute, or null when there is none: sources run by Bun, or a home that cannot be written. */
  folder: string | null;
  /** Removes the folder, and those that killed processes left behind. */
  remove(): void;
}

/** Makes `$CODEX_HOME/tmp/arg0/codex-arg0XXXXXX` for this process. Never throws: commands work without it. */
export function createArg0Links(codexHome: string): Arg0Links {
  const parent = join(codexHome, "tmp", "arg0");
  if (!isCompiled()) return { folder: null, remove: () => {} };
  const folder = join(parent, `${FOLDER_PREFIX}${randomHex(6)}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const name of LINK_NAMES) symlinkSync(process.execPath, join(folder, name));
    writeFileSync(join(folder, OWNER_FILE), String(process.pid));
  } catch {
    return { folder: null, remove: () => {} };
  }
  return {
    folder,
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
      removeAbandoned(parent);
    },
  };
}

function removeAbandoned(parent: string): void {
  try {
    for (const name of readdirSync(parent)) {
      const folder = join(parent, name);
      if (name.startsWith(FOLDER_PREFIX) && !isAlive(ownerOf(folder))) rmSync(folder, { recursive: true, force: true });
    }
  } catch {
    // Another process may be removing the same folders; whoever comes next tidies up.
  }
}

function ownerOf(folder: string): number {
  return Number.parseInt(readFileSync(join(folder, OWNER_FILE), "utf8"), 10);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
