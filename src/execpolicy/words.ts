/** A word that is only known when the command runs; its text begins with `prefix` and ends with `suffix`. */
export interface UnknownWord {
  prefix: string;
  suffix: string;
  /** Whether it can become several words or none. */
  many: boolean;
}

/** A word of a command as far as it can be told before running it. */
export type Word = string | UnknownWord;

export function isKnown(word: Word): word is string {
  return typeof word === "string";
}

/** Whether `name` stands in `text` as a word of its own, also as the last part of a path. */
export function mentions(text: string, name: string): boolean {
  if (name === "") return false;
  for (let at = text.indexOf(name); at !== -1; at = text.indexOf(name, at + 1)) {
    const isStart = !WORD_CHARACTER.test(text.charAt(at - 1));
    if (isStart && !WORD_CHARACTER.test(text.charAt(at + name.length))) return true;
  }
  return false;
}

const WORD_CHARACTER = /[\p{L}\p{N}_-]/u;
