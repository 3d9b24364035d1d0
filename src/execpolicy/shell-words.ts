/**
 * Splits a command line into words as a POSIX shell would without expanding anything: quotes, backslashes and
 * comments are understood, operators are ordinary characters. Undefined for an unfinished quote or backslash.
 */
export function shellWords(line: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < line.length; ) {
    const char = line.charAt(at);
    if (char === " " || char === "\t" || char === "\n") {
      if (word !== undefined) words.push(word);
      word = undefined;
      at++;
    } else if (char === "#" && word === undefined) {
      const end = line.indexOf("\n", at);
      at = end === -1 ? line.length : end;
    } else {
      const piece = readPiece(line, at);
      if (piece === undefined) return undefined;
      word = (word ?? "") + piece.text;
      at = piece.end;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

interface Piece {
  text: string;
  end: number;
}

/** The quoted text, the escaped or the plain character that begins at `at`, and where it ends. */
export function readPiece(line: string, at: number): Piece | undefined {
  const char = line.charAt(at);
  if (char === "'") {
    const end = line.indexOf("'", at + 1);
    return end === -1 ? undefined : { text: line.slice(at + 1, end), end: end + 1 };
  }
  if (char === '"') return readDoubleQuoted(line, at + 1);
  if (char !== "\\") return { text: char, end: at + 1 };
  if (at + 1 >= line.length) return undefined;
  const next = line.charAt(at + 1);
  return { text: next === "\n" ? "" : next, end: at + 2 };
}

function readDoubleQuoted(line: string, from: number): Piece | undefined {
  let text = "";
  for (let at = from; at < line.length; at++) {
    const char = line.charAt(at);
    if (char === '"') return { text, end: at + 1 };
    if (char !== "\\") {
      text += char;
      continue;
    }
    at++;
    if (at >= line.length) return undefined;
    const escaped = line.charAt(at);
    if (escaped === "\n") continue;
    text += '$`"\\'.includes(escaped) ? escaped : `\\${escaped}`;
  }
  return undefined;
}
