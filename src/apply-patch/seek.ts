/**
 * Finds consecutive lines in a file. Passes go from strict to tolerant and each looks at the whole range
 * before the next begins: exact, trailing white space ignored, surrounding white space ignored, and last
 * also typographic dashes, quotes and spaces read as their ASCII forms.
 *
 * Returns the index of the first line of the first match at or after `start`, or undefined. With
 * `endOfFile` only the last lines of the file can match. An empty pattern matches where the search starts.
 */
export function seekLines(
  lines: readonly string[],
  pattern: readonly string[],
  start: number,
  endOfFile: boolean,
): number | undefined {
  const last = lines.length - pattern.length;
  const first = endOfFile ? Math.max(start, last) : start;
  if (first > last) return undefined;
  for (const view of PASSES) {
    const wanted = pattern.map(view);
    for (let index = first; index <= last; index++) if (matchesAt(lines, wanted, index, view)) return index;
  }
  return undefined;
}

type View = (line: string) => string;

const PASSES: readonly View[] = [(line) => line, (line) => line.trimEnd(), (line) => line.trim(), toAscii];

function matchesAt(lines: readonly string[], wanted: readonly string[], index: number, view: View): boolean {
  for (let offset = 0; offset < wanted.length; offset++) {
    const line = lines[index + offset];
    if (line === undefined || view(line) !== wanted[offset]) return false;
  }
  return true;
}

const DASHES = /[\u2010-\u2015\u2212]/g;
const SINGLE_QUOTES = /[\u2018-\u201b]/g;
const DOUBLE_QUOTES = /[\u201c-\u201f]/g;
const SPACES = /[\u00a0\u2002-\u200a\u202f\u205f\u3000]/g;
const ANY_PUNCTUATION = /[\u00a0\u2002-\u200a\u2010-\u2015\u2018-\u201f\u202f\u205f\u2212\u3000]/;

function toAscii(line: string): string {
  const text = line.trim();
  if (!ANY_PUNCTUATION.test(text)) return text;
  return text.replace(DASHES, "-").replace(SINGLE_QUOTES, "'").replace(DOUBLE_QUOTES, '"').replace(SPACES, " ");
}
