/** Offsets (UTF-16) of a value in a TOML text. */
export interface TomlSpan {
  start: number;
  end: number;
}

/** A value, and the key in front of it (of a list item or a table header: the same as the value). */
export interface TomlPlace extends TomlSpan {
  key: TomlSpan;
}

/**
 * Where the value at a key path stands in a well-formed TOML text; list positions are numbers in text form
 * ("0"). The nearest enclosing value or table header when the exact key is not written out. Undefined when
 * nothing on the path is found. Only used to point at a mistake, so it re-scans instead of keeping positions.
 */
export function findTomlValue(text: string, path: readonly string[]): TomlPlace | undefined {
  const scanner = new Scanner(text, path);
  scanner.document();
  return scanner.best;
}

class Scanner {
  best: TomlPlace | undefined;
  #bestDepth = 0;
  #at = 0;
  readonly #text: string;
  readonly #path: readonly string[];
  /** How many `[[name]]` headers of each name were seen. */
  readonly #counts = new Map<string, number>();

  constructor(text: string, path: readonly string[]) {
    this.#text = text;
    this.#path = path;
  }

  document(): void {
    let table: string[] = [];
    while (this.#skipBlank()) {
      if (this.#text[this.#at] === "[") table = this.#header();
      else this.#pair(table);
    }
  }

  /** Records a value at `path` when it is the wanted one or encloses it more closely than the last. */
  #offer(path: readonly string[], value: TomlSpan, key: TomlSpan = value): void {
    if (path.length < this.#bestDepth || path.length === 0 || path.length > this.#path.length) return;
    if (path.length === this.#bestDepth && this.best !== undefined) return;
    if (path.some((key, index) => key !== this.#path[index])) return;
    this.best = { ...value, key };
    this.#bestDepth = path.length;
  }

  #header(): string[] {
    const start = this.#at;
    const isArray = this.#text.startsWith("[[", start);
    this.#at += isArray ? 2 : 1;
    const names = this.#keys("]");
    this.#at += isArray ? 2 : 1;
    const path = this.#throughArrays(names, isArray);
    this.#offer(path, { start, end: this.#at });
    return path;
  }

  /** Adds the number of the current element after every name that stands for a list of tables. */
  #throughArrays(names: string[], opensElement: boolean): string[] {
    const path: string[] = [];
    names.forEach((name, index) => {
      path.push(name);
      const key = JSON.stringify(path);
      const seen = this.#counts.get(key);
      const opens = opensElement && index === names.length - 1;
      if (opens) this.#counts.set(key, (seen ?? 0) + 1);
      if (opens || seen !== undefined) path.push(String(opens ? (seen ?? 0) : (seen ?? 1) - 1));
    });
    return path;
  }

  #pair(table: readonly string[]): void {
    const start = this.#at;
    const path = [...table, ...this.#keys("=")];
    const key = { start, end: start + this.#text.slice(start, this.#at).trimEnd().length };
    this.#at++;
    this.#skipSpace();
    this.#value(path, key);
  }

  #value(path: readonly string[], key?: TomlSpan): void {
    const start = this.#at;
    const first = this.#text[start];
    if (first === "[") this.#list(path);
    else if (first === "{") this.#inlineTable(path);
    else if (first === '"' || first === "'") this.#string();
    else this.#bare();
    this.#offer(path, { start, end: this.#at }, key);
  }

  #list(path: readonly string[]): void {
    this.#at++;
    for (let index = 0; this.#skipBlank() && this.#text[this.#at] !== "]"; index++) {
      this.#value([...path, String(index)]);
      this.#skipComma();
    }
    this.#at++;
  }

  #inlineTable(path: readonly string[]): void {
    this.#at++;
    while (this.#skipBlank() && this.#text[this.#at] !== "}") {
      this.#pair(path);
      this.#skipComma();
    }
    this.#at++;
  }

  #skipComma(): void {
    this.#skipBlank();
    if (this.#text[this.#at] === ",") this.#at++;
  }

  #keys(end: string): string[] {
    const keys: string[] = [];
    while (this.#at < this.#text.length && this.#text[this.#at] !== end) {
      const char = this.#text[this.#at];
      if (char === '"' || char === "'") keys.push(this.#string());
      else if (char === "." || char === " " || char === "\t") this.#at++;
      else keys.push(this.#word());
    }
    return keys;
  }

  #word(): string {
    const start = this.#at++;
    while (this.#at < this.#text.length && !/[.\s=\]]/.test(this.#text[this.#at] ?? "")) this.#at++;
    return this.#text.slice(start, this.#at);
  }

  #bare(): void {
    this.#at++;
    while (this.#at < this.#text.length && !/[,\]}#\n]/.test(this.#text[this.#at] ?? "")) this.#at++;
    while (/\s/.test(this.#text[this.#at - 1] ?? "")) this.#at--;
  }

  /** Moves behind a string and returns its text; escapes matter only for finding its end and in keys. */
  #string(): string {
    const quote = this.#text[this.#at] ?? "";
    const mark = this.#text.startsWith(quote.repeat(3), this.#at) ? quote.repeat(3) : quote;
    const start = this.#at + mark.length;
    let end = start;
    while (end < this.#text.length && !this.#text.startsWith(mark, end)) {
      end += quote === '"' && this.#text[end] === "\\" ? 2 : 1;
    }
    while (mark.length === 3 && this.#text[end + 3] === quote) end++;
    this.#at = end + mark.length;
    return unescaped(this.#text.slice(start, end), quote);
  }

  #skipSpace(): void {
    while (this.#text[this.#at] === " " || this.#text[this.#at] === "\t") this.#at++;
  }

  /** Skips white space, line ends and comments; false at the end of the text. */
  #skipBlank(): boolean {
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at] ?? "";
      if (char === "#") this.#at = endOfLine(this.#text, this.#at);
      else if (/[\s\uFEFF]/.test(char)) this.#at++;
      else return true;
    }
    return false;
  }
}

/** Offset of the next line feed at or after `from`, or of the end of the text. */
export function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end === -1 ? text.length : end;
}

const ESCAPES: Readonly<Record<string, string>> = { b: "\b", t: "\t", n: "\n", f: "\f", r: "\r", e: "\x1b" };

function unescaped(text: string, quote: string): string {
  if (quote === "'" || !text.includes("\\")) return text;
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))/g, (_, short, long, char) =>
    char === undefined ? String.fromCodePoint(Number.parseInt(short ?? long, 16)) : (ESCAPES[char] ?? char),
  );
}

/** Line and column, both counted from 1; a column is one character, whatever its UTF-16 length. */
export function lineAndColumn(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: [...before.slice(lineStart)].length + 1 };
}

/** The text of the line around the offset, without its line end. */
export function lineTextAt(text: string, offset: number): string {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  return text.slice(start, endOfLine(text, start)).replace(/\r$/, "");
}
