import { addAllowRule } from "./amend.ts";
import { type LoadedRules, loadRules } from "./load.ts";
import type { RuleSet } from "./rules.ts";

/** The rules of one session, read when the first command asks for them. */
export class SessionRules {
  readonly #codexHome: string;
  readonly #folders: readonly string[];
  readonly #onNotice: (message: string) => void;
  #loaded: LoadedRules | undefined;

  /** `onNotice` gets a sentence for every mistake in a file, once. */
  constructor(codexHome: string, folders: readonly string[], onNotice: (message: string) => void) {
    this.#codexHome = codexHome;
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

  /** Allows commands that begin with these words from now on, in every session. Throws as `addAllowRule`. */
  allow(prefix: readonly string[]): void {
    addAllowRule(this.#codexHome, prefix);
    this.#loaded = loadRules(this.#folders);
  }
}
