/**
 * Finds consecutive lines in a file, any number of times. Passes go from strict to tolerant and each looks at the whole
 * range before the next begins: exact, trailing white space ignored, surrounding white space ignored, and last also
 * typographic dashes, quotes and spaces read as their ASCII forms. What a pass makes of the file is made once, and a
 * chunk is only compared where its rarest line stands.
 */
export class LineSeeker {
  readonly #lines: readonly string[];
  readonly #views: (View | undefined)[] = [];
  #isFirst = true;

  constructor(lines: readonly string[]) {
    this.#lines = lines;
  }

  /**
   * The index of the first line of the first match at or after `start`, or undefined. With `endOfFile` only the last
   * lines of the file can match. An empty pattern matches where the search starts.
   */
  find(pattern: readonly string[], start: number, endOfFile: boolean): number | undefined {
    const last = this.#lines.length - pattern.length;
    const first = endOfFile ? Math.max(start, last) : start;
    if (first > last) return undefined;
    if (pattern.length === 0) return first;
    const near = this.#isFirst ? exactlyNear(this.#lines, pattern, first, last) : undefined;
    this.#isFirst = false;
    if (near !== undefined) return near;
    for (const [index, reading] of READINGS.entries()) {
      const view = this.#view(index);
      const found = firstMatch(
        view,
        pattern.map((line) => view.numbers.get(reading(line)) ?? -1),
        first,
        last,
      );
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #view(index: number): View {
    const view = this.#views[index] ?? viewOf(this.#lines, READINGS[index] ?? exact);
    this.#views[index] = view;
    return view;
  }
}

/** Places that are tried before a view of the file is made: nearly every patch has one chunk, and it fits. */
const TRIES = 32;

function exactlyNear(
  lines: readonly string[],
  pattern: readonly string[],
  first: number,
  last: number,
): number | undefined {
  let at = first;
  for (let tries = 0; tries < TRIES; tries++) {
    at = lines.indexOf(pattern[0] ?? "", at);
    if (at === -1 || at > last) return undefined;
    if (pattern.every((line, offset) => lines[at + offset] === line)) return at;
    at++;
  }
  return undefined;
}

/** The file as one reading has it: equal lines have equal numbers. */
interface View {
  numbers: Map<string, number>;
  lines: Int32Array;
  /** By number, where its lines stand. */
  places: number[][];
}

function viewOf(texts: readonly string[], reading: Reading): View {
  const view: View = { numbers: new Map(), lines: new Int32Array(texts.length), places: [] };
  for (const [at, text] of texts.entries()) {
    const line = reading(text);
    const number = view.numbers.get(line) ?? view.places.push([]) - 1;
    view.numbers.set(line, number);
    view.lines[at] = number;
    view.places[number]?.push(at);
  }
  return view;
}

/** Knuth, Morris and Pratt: whatever repeats in file and pattern, no line is looked at often. */
function firstMatch(view: View, wanted: readonly number[], first: number, last: number): number | undefined {
  if (wanted.includes(-1)) return undefined;
  const from = rareStart(view, wanted, first);
  if (from === undefined || from > last) return undefined;
  const borders = bordersOf(wanted);
  let held = 0;
  for (let at = from; at < view.lines.length; at++) {
    while (held > 0 && view.lines[at] !== wanted[held]) held = borders[held - 1] ?? 0;
    if (view.lines[at] === wanted[held]) held++;
    if (held === wanted.length) return at - held + 1;
  }
  return undefined;
}

/** No match begins before this: the first place of the pattern's rarest line says so. */
function rareStart(view: View, wanted: readonly number[], first: number): number | undefined {
  const placesOf = (offset: number) => view.places[wanted[offset] ?? -1] ?? [];
  let rarest = 0;
  for (let offset = 1; offset < wanted.length; offset++) {
    if (placesOf(offset).length < placesOf(rarest).length) rarest = offset;
  }
  const place = firstFrom(placesOf(rarest), first + rarest);
  return place === undefined ? undefined : place - rarest;
}

/** The first of the rising numbers that is not below `least`. */
function firstFrom(numbers: readonly number[], least: number): number | undefined {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] ?? 0) < least) low = middle + 1;
    else high = middle;
  }
  return numbers[low];
}

/** For each beginning of the pattern, the longest shorter beginning it ends with. */
function bordersOf(wanted: readonly number[]): number[] {
  const borders = [0];
  for (let at = 1, held = 0; at < wanted.length; at++) {
    while (held > 0 && wanted[at] !== wanted[held]) held = borders[held - 1] ?? 0;
    if (wanted[at] === wanted[held]) held++;
    borders.push(held);
  }
  return borders;
}

type Reading = (line: string) => string;

const exact: Reading = (line) => line;
const READINGS: readonly Reading[] = [exact, (line) => line.trimEnd(), (line) => line.trim(), toAscii];

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
