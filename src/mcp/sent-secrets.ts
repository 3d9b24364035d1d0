/** Shorter values are words that stand in messages for other reasons. */
const MIN_CHARS = 8;

/** What a server was sent and nobody may read in a message, should it come back: some put whole requests into errors. */
export class SentSecrets {
  readonly #values = new Set<string>();

  /** `value` is that of a header; what follows its first word, as in `Bearer TOKEN`, is a secret of its own. */
  add(value: string): void {
    for (const part of [value, value.replace(/^\S+\s+/, "")]) if (part.length >= MIN_CHARS) this.#values.add(part);
  }

  /** The text with every such value left out. */
  hide(text: string): string {
    const longestFirst = [...this.#values].sort((a, b) => b.length - a.length);
    return longestFirst.reduce((shown, value) => shown.replaceAll(value, "…"), text);
  }
}
