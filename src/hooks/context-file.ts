import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { lstat, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nowMs } from "#lib/clock.ts";
import { randomHex } from "#lib/ids.ts";
import { truncateMiddle } from "#lib/truncate.ts";

const PREFIX = "codex-hook-outputs-";
const FOLDER_NAME = new RegExp(`^${PREFIX}\\w{6}$`);
/** How long after its last text a folder stays. */
const KEPT_MS = 7 * 24 * 60 * 60 * 1000;

/**
 * Shortens what hooks say to the model. A text over its limit is stored whole in a folder of the session that only
 * the user can read, and the model is told where. The folder is made for the first such text and stays, because a
 * session that is resumed may still look there; `removeOldContexts` ends it.
 */
export class ContextFiles {
  #folder: string | undefined;

  /** `tokens` of the text from both its ends; all of it when it is no longer. */
  shorten(text: string, tokens: number): string {
    const cut = truncateMiddle(text, { mode: "tokens", limit: tokens });
    if (cut === text) return text;
    const file = this.#store(text);
    return file === undefined ? cut : `${cut}\n\n(The whole text of this hook is in "${file}".)`;
  }

  /** For a session that cannot be resumed. */
  remove(): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }

  /** Undefined when it cannot be stored: a full disk must not be the reason for a hook to fail. */
  #store(text: string): string | undefined {
    try {
      this.#folder ??= mkdtempSync(join(tmpdir(), PREFIX));
      const file = join(this.#folder, `${randomHex(16)}.txt`);
      writeFileSync(file, text, { mode: 0o600, flag: "wx" });
      return file;
    } catch {
      return undefined;
    }
  }
}

/** Removes the folders of sessions that have not stored a text for a week. Never rejects: others may tidy up as well. */
export async function removeOldContexts(): Promise<void> {
  const names = await readdir(tmpdir()).catch(() => []);
  const folders = names.filter((name) => FOLDER_NAME.test(name)).map((name) => join(tmpdir(), name));
  await Promise.all(folders.map((folder) => removeOld(folder).catch(() => {})));
}

/** Everybody may write to the temporary folder, so only what is a folder of this user counts. */
async function removeOld(folder: string): Promise<void> {
  const stats = await lstat(folder);
  const isOurs = stats.isDirectory() && stats.uid === (process.getuid?.() ?? stats.uid);
  if (isOurs && stats.mtimeMs < nowMs() - KEPT_MS) await rm(folder, { recursive: true, force: true });
}
