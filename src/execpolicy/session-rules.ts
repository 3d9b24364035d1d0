import { type LoadedRules, loadRules } from "./load.ts";
import type { RuleSet } from "./rules.ts";

/** The rules of one session, read when the first command asks for them. */
export class SessionRules {
  readonly #folders: readonly string[];
  readonly #onNotice: (message: string) => void;
  #loaded: LoadedRules | undefined;

  /** `onNotice` gets a sentence for every mistake in a file, once. */
  constructor(folders: readonly string[], onNotice: (message: string) => void) {
    this.#folders = folders;
    this.#onNotice = onNotice;
  }

  current(): RuleSet {
    if (this.#loaded === undefined) {
      this.#loaded = loadRules(this.#folders);
      for (const notice of this.#loaded.notices) this.#onNotice(notice);
    }
    return this.#loaded.rules;
  }
}
