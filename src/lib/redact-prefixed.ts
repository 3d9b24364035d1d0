import { bodyPattern, type PrefixRule, prefixRules, runPattern } from "./redact-rules.ts";

/** Half-open range of a text, in UTF-16 units, that is a credential. */
export interface Span {
  kind: string;
  start: number;
  end: number;
}

/** Looks for one credential around a place; gets the index where three characters of a trigger stand. */
export interface Matcher {
  /** Three characters; letters match in either case, so a matcher looks again. */
  trigger: string;
  match(text: string, at: number, barren: BarrenRuns): Span | undefined;
}

/** Where what a pattern found for nothing ends: one in the other, each would be read to the same end again. */
export type BarrenRuns = Map<RegExp, number>;

const NEWLINE_ESCAPES = new Set(["n", "r", "t", "f", "b", "v"]);
const ALNUM = /[A-Za-z0-9]/;

/** Whether no word runs into a place: its left neighbour is no letter or digit, or ends an escape (`\n`, `%3D`, `ESC[0m`). */
function startsWord(text: string, at: number): boolean {
  const before = text.charAt(at - 1);
  if (before === "" || !ALNUM.test(before)) return true;
  const two = text.charAt(at - 2);
  if (two === "\\" && NEWLINE_ESCAPES.has(before)) return true;
  if (text.charAt(at - 3) === "%" && /[0-9A-F]{2}/i.test(two + before)) return true;
  if (before !== "m") return /\\u00[0-9a-f]{2}$/i.test(text.slice(at - 6, at));
  return /\[[0-9;]{0,12}m$/.test(text.slice(Math.max(0, at - 15), at));
}

/**
 * How a token is carried over to the next line: wrapped, continued with a backslash, or as joined string pieces. Strings
 * in strings have 63 backslashes at six levels; runs without a limit could be divided in a cube of ways.
 */
const LINE_BREAK =
  /(?:["'`]?[ \t]*(?:[+.][ \t]*)?\\?|\\{0,63}["'`]?[ \t]*(?:[+.][ \t]*)?)(?:\r?\n|\\{1,63}(?:r\\{0,63})?n)[ \t]*(?:[+.][ \t]*)?(?:\\{0,63}["'`])?/y;

/** What may follow the last piece of a token: nothing, or the end of a line, a string or a list element. */
const AFTER_TOKEN = /^$|[\s"'`\\,;)\]}>]/;

/** Whether a run on the next line is the rest of a token and no word of a text. */
function isTokenRun(run: string): boolean {
  if (run.length < 4) return false;
  return /[0-9]/.test(run) || /[a-z][A-Z]/.test(run) || /[A-Z]{4}/.test(run);
}

/** Breaks of one token that are followed; longer ones are files, not tokens. */
const MAX_BREAKS = 24;

/**
 * Where a token that was cut at `end` after `got` characters really ends: runs on following lines belong to
 * it while it is shorter than usual. Returns the end and the whole length.
 */
function followBreaks(
  text: string,
  token: { end: number; got: number; full: number; run: RegExp },
): { end: number; got: number } {
  let { end, got } = token;
  for (let breaks = 0; breaks < MAX_BREAKS && got < token.full; breaks++) {
    LINE_BREAK.lastIndex = end;
    if (!LINE_BREAK.test(text)) break;
    token.run.lastIndex = LINE_BREAK.lastIndex;
    const run = token.run.exec(text)?.[0];
    if (run === undefined || got + run.length > token.full + 8 || !isTokenRun(run)) break;
    if (!AFTER_TOKEN.test(text.charAt(token.run.lastIndex))) break;
    end = token.run.lastIndex;
    got += run.length;
  }
  return { end, got };
}

/** A token may stand at the end of a sentence. */
function withoutFinalDots(text: string, start: number, end: number): number {
  let last = end;
  while (last > start && text.charCodeAt(last - 1) === 46) last--;
  return last;
}

/** Fewest characters of a token's first piece when the rest is on the next line. */
const FIRST_PIECE = 4;

/** The body of a token: `whole` when it is on one line, `run` for any piece of it, lengths as in `PrefixRule`. */
interface TokenBody {
  whole: RegExp;
  run: RegExp;
  min: number;
  full: number;
}

/** Where the token whose body begins at `start` ends, or undefined when there is none. */
function tokenEnd(text: string, start: number, body: TokenBody): number | undefined {
  body.whole.lastIndex = start;
  const whole = body.whole.test(text);
  let end = body.whole.lastIndex;
  if (!whole) {
    body.run.lastIndex = start;
    if (body.full === 0 || !body.run.test(text) || body.run.lastIndex - start < FIRST_PIECE) return undefined;
    end = body.run.lastIndex;
  }
  const token = followBreaks(text, { end, got: end - start, full: body.full, run: body.run });
  return whole || token.got >= body.min ? withoutFinalDots(text, start, token.end) : undefined;
}

function prefixMatcher(rule: PrefixRule): Matcher {
  const { kind, prefix, min, full = 0 } = rule;
  const body = { whole: new RegExp(bodyPattern(rule), "y"), run: new RegExp(runPattern(rule), "y"), min, full };
  return {
    trigger: prefix.slice(0, 3),
    match(text, at) {
      if (!text.startsWith(prefix, at) || !startsWord(text, at)) return undefined;
      const end = tokenEnd(text, at + prefix.length, body);
      return end === undefined ? undefined : { kind, start: at, end };
    },
  };
}

const BREAK = "(?:[\"'`]?[ \\t]*(?:[+\\\\][ \\t]*)?(?:\\r?\\n|\\\\n)[ \\t]*[\"'`]?[A-Za-z0-9_-]+){0,6}";
const SEGMENT = `[A-Za-z0-9_-]{8,}${BREAK}`;
const JWT = new RegExp(`eyJ[A-Za-z0-9_-]*${BREAK}\\.${BREAK}[A-Za-z0-9_-]*${BREAK}(\\.[A-Za-z0-9_-]*)?`, "y");
const JWT_ONE_LINE = new RegExp(`eyJ${SEGMENT}\\.${SEGMENT}(?:\\.[A-Za-z0-9_-]*)?`, "y");
const JWT_RUN = /[A-Za-z0-9_.-]+/y;
/** A signed token is rarely shorter than this after its first dot; used to follow it over lines. */
const JWT_FULL = 4000;

const jwtMatcher: Matcher = {
  trigger: "eyJ",
  match(text, at) {
    if (!text.startsWith("eyJ", at) || !startsWord(text, at)) return undefined;
    JWT_ONE_LINE.lastIndex = at;
    let end = JWT_ONE_LINE.test(text) ? JWT_ONE_LINE.lastIndex : 0;
    if (end === 0) {
      JWT.lastIndex = at;
      if (!JWT.test(text) || JWT.lastIndex - at < 24) return undefined;
      end = JWT.lastIndex;
    }
    const token = followBreaks(text, { end, got: end - at, full: JWT_FULL, run: JWT_RUN });
    return { kind: "json web token", start: at, end: withoutFinalDots(text, at, token.end) };
  },
};

const KEY_HEADER = /BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----/y;
const KEY_FOOTER = /-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----/y;
/** What remains of a block that was cut off: lines of base64, in whatever quoting. */
const KEY_LINES = /(?:\s|\\+[nr]|["'`+,|>]|[A-Za-z0-9+/=]{8,}|(?:Proc-Type|DEK-Info|Version|Comment):[^\n]*)*/y;
/** The longest private key that is written in text; a footer further on belongs to another one. */
const KEY_MAX = 32_768;
const KEY_MIN = 24;

const privateKeyMatcher: Matcher = {
  trigger: "BEG",
  match(text, at) {
    KEY_HEADER.lastIndex = at;
    if (!text.startsWith("-----", at - 5) || !KEY_HEADER.test(text)) return undefined;
    const bodyStart = KEY_HEADER.lastIndex;
    const end = privateKeyEnd(text, bodyStart);
    const letters = text.slice(bodyStart, end).replace(/\\+[nr]|[^A-Za-z0-9+/]/g, "");
    return letters.length < KEY_MIN ? undefined : { kind: "private key", start: at - 5, end };
  },
};

function privateKeyEnd(text: string, bodyStart: number): number {
  const dashes = text.indexOf("-----", bodyStart);
  KEY_FOOTER.lastIndex = dashes;
  if (dashes !== -1 && dashes - bodyStart < KEY_MAX && KEY_FOOTER.test(text)) return KEY_FOOTER.lastIndex;
  KEY_LINES.lastIndex = bodyStart;
  KEY_LINES.test(text);
  return Math.max(bodyStart, KEY_LINES.lastIndex);
}

/** A Telegram bot token has its mark in the middle: digits, a colon, then "AA" and the rest. */
const BOT_BODY = { whole: /[A-Za-z0-9_-]{30,}/y, run: /[A-Za-z0-9_-]+/y, min: 30, full: 33 };

const botMatcher: Matcher = {
  trigger: ":AA",
  match(text, at) {
    const digits = /(?:^|[^0-9A-Za-z])([0-9]{8,11})$/.exec(text.slice(Math.max(0, at - 12), at))?.[1];
    if (digits === undefined || !text.startsWith(":AA", at)) return undefined;
    const end = tokenEnd(text, at + 3, BOT_BODY);
    return end === undefined ? undefined : { kind: "telegram bot token", start: at - digits.length, end };
  },
};

/** Azure marks its client secrets in the middle: three characters, a digit, "Q~", then the rest. */
const AZURE_BODY = { whole: /[A-Za-z0-9~_.-]{30,}/y, run: /[A-Za-z0-9~_.-]+/y, min: 30, full: 34 };

const azureMatchers: readonly Matcher[] = ["7", "8", "9"].map((digit) => ({
  trigger: `${digit}Q~`,
  match(text, at) {
    if (!text.startsWith(`${digit}Q~`, at) || !/^[A-Za-z0-9_~.-]{3}$/.test(text.slice(at - 3, at))) return undefined;
    const end = at < 3 ? undefined : tokenEnd(text, at + 3, AZURE_BODY);
    return end === undefined ? undefined : { kind: "azure client secret", start: at - 3, end };
  },
}));

/** One matcher for every prefix and for the kinds whose form is more than a prefix. */
export function prefixedMatchers(): Matcher[] {
  return [...prefixRules().map(prefixMatcher), jwtMatcher, privateKeyMatcher, botMatcher, ...azureMatchers];
}
