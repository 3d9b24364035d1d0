import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomHex } from "#lib/ids.ts";
import { truncateMiddle } from "#lib/truncate.ts";

/**
 * Shortens what hooks say to the model. A text over its limit is stored whole in a folder of the session that only
 * the user can read, and the model is told where. The folder is made for the first such text and stays: a session
 * that is resumed may still look there.
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

  /** Undefined when it cannot be stored: a full disk must not be the reason for a hook to fail. */
  #store(text: string): string | undefined {
    try {
      this.#folder ??= mkdtempSync(join(tmpdir(), "codex-hook-outputs-"));
      const file = join(this.#folder, `${randomHex(16)}.txt`);
      writeFileSync(file, text, { mode: 0o600, flag: "wx" });
      return file;
    } catch {
      return undefined;
    }
  }
}
