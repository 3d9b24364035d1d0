/**
 * The words as one line a POSIX shell would split back into them. Quoting follows Rust's `shlex` 1.3 to
 * the letter, because consumers compare this text: a word is cut into the longest pieces that one style
 * can hold, bare before single quotes before double quotes.
 */
export function shellJoin(words: readonly string[]): string {
  return words.map(quoteWord).join(" ");
}

const BARE = 1;
const SINGLE = 2;
const DOUBLE = 4;

function quoteWord(word: string): string {
  if (word === "") return "''";
  let quoted = "";
  for (let start = 0; start < word.length; ) {
    const piece = nextPiece(word, start);
    quoted += quotePiece(word.slice(start, piece.end), piece.styles);
    start = piece.end;
  }
  return quoted;
}

/** The longest piece from `start` that some style can hold, and the styles that can. */
function nextPiece(word: string, start: number): { end: number; styles: number } {
  let styles = BARE | SINGLE | DOUBLE;
  let end = start;
  // History expansion: a caret is only safe at the start of a single-quoted piece.
  if (word[start] === "^") {
    styles = SINGLE;
    end++;
  }
  for (; end < word.length; end++) {
    const left = styles & stylesFor(word.charAt(end));
    if (left === 0) break;
    styles = left;
  }
  return { end, styles };
}

function stylesFor(char: string): number {
  if (/[A-Za-z0-9+\-./:@\]_]/.test(char)) return BARE | SINGLE | DOUBLE;
  if (char === "^") return 0;
  if (char === "'" || char === "\\") return DOUBLE;
  if (char === "`" || char === "$" || char === "!") return SINGLE;
  return SINGLE | DOUBLE;
}

function quotePiece(piece: string, styles: number): string {
  if (styles & BARE) return piece;
  if (styles & SINGLE) return `'${piece}'`;
  return `"${piece.replaceAll(/["\\]/g, "\\$&")}"`;
}
