/** A table header and what follows it, as offsets (UTF-16) of a TOML text. */
export interface TomlSection {
  path: readonly string[];
  /** Where the section begins: at the comment lines right above the header, if any. */
  start: number;
  /** Where the line after the header begins. */
  bodyStart: number;
  /** Where the next section begins, or the end of the text. */
  end: number;
}

/**
 * The `[table]` sections of a well-formed TOML text, in order; `[[lists]]` only end the one before. The keys
 * above the first header are in no section.
 */
export function tomlSections(text: string): TomlSection[] {
  const headers = findHeaders(text);
  return headers.flatMap(({ path, start, bodyStart }, index) => {
    const end = headers[index + 1]?.start ?? text.length;
    return path === undefined ? [] : [{ path, start, bodyStart, end }];
  });
}

/** Whether the section is the table of this path or one in it. */
export function isWithin(section: TomlSection, path: readonly string[]): boolean {
  return path.every((key, index) => section.path[index] === key);
}

interface Header {
  /** Undefined for a `[[list]]`. */
  path: string[] | undefined;
  start: number;
  bodyStart: number;
}

function findHeaders(text: string): Header[] {
  const headers: Header[] = [];
  let depth = 0;
  let isLineStart = true;
  for (let at = 0; at < text.length; ) {
    const char = text[at] ?? "";
    if (isLineStart && depth === 0 && char === "[") {
      const bodyStart = lineEnd(text, at);
      headers.push({ path: headerPath(text.slice(at, bodyStart)), start: commentStart(text, at), bodyStart });
      at = bodyStart;
      continue;
    }
    if (char === "\n") isLineStart = true;
    else if (char !== " " && char !== "\t" && char !== "\ufeff") isLineStart = false;
    if (char === "[" || char === "{") depth++;
    if (char === "]" || char === "}") depth--;
    if (char === "#") {
      at = lineEnd(text, at);
      isLineStart = true;
    } else if (char === '"' || char === "'") at = stringEnd(text, at);
    else at++;
  }
  return headers;
}

/** The offset behind the newline that ends the line. */
function lineEnd(text: string, at: number): number {
  const newline = text.indexOf("\n", at);
  return newline === -1 ? text.length : newline + 1;
}

/** The offset behind the closing quote of the string that begins here. */
function stringEnd(text: string, at: number): number {
  const quote = text[at] ?? "";
  const isLong = text.startsWith(quote.repeat(3), at);
  const close = isLong ? quote.repeat(3) : quote;
  for (let end = at + close.length; end < text.length; end++) {
    if (quote === '"' && text[end] === "\\") end++;
    else if (text.startsWith(close, end)) {
      let after = end + close.length;
      // A long string may end with quotes of its own.
      while (isLong && text[after] === quote) after++;
      return after;
    }
  }
  return text.length;
}

/** Comment lines that stand right above a header belong to it; a blank line sets them apart. */
function commentStart(text: string, header: number): number {
  let start = header;
  while (start > 0) {
    const previous = text.lastIndexOf("\n", start - 2) + 1;
    if (!/^[ \t]*#/.test(text.slice(previous, start))) break;
    start = previous;
  }
  return start;
}

function headerPath(line: string): string[] | undefined {
  if (line.startsWith("[[")) return undefined;
  const names: string[] = [];
  const key = /[ \t]*("(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)[ \t]*([.\]])/y;
  key.lastIndex = 1;
  for (let match = key.exec(line); match !== null; match = key.exec(line)) {
    names.push(bareKey(match[1] ?? ""));
    if (match[2] === "]") return names;
  }
  return undefined;
}

function bareKey(key: string): string {
  if (key.startsWith("'")) return key.slice(1, -1);
  if (!key.startsWith('"')) return key;
  try {
    return String(JSON.parse(key));
  } catch {
    // An escape that only TOML has: such a name is left to the general editor.
    return key;
  }
}
