import type { BarrenRuns, Matcher, Span } from "./redact-prefixed.ts";
import { isBearerToken, isSecretValue, type ValuePlace } from "./redact-value.ts";

/** A word that, as the end of a key, says that the value is secret. */
interface KeyWord {
  trigger: string;
  /** From the trigger on; must end where the key ends. */
  word: RegExp;
  /** What must stand right before the word, when the word alone says too little. */
  before?: RegExp;
  password?: boolean;
}

const KEY_OF =
  /(?:api|access|secret|private|auth|encrypt(?:ion)?|sign(?:ing)?|account|storage|service|master|shared|subscription|license|client|app|application|consumer|deploy|webhook|admin|security|session|hmac|jwt|rsa|ssl|tls|ssh|aes|cipher|crypto|function|host|anon|role|write|ingest)[_\- .]?$/i;

const KEY_WORDS: readonly KeyWord[] = [
  { trigger: "tok", word: /token(?:[_-]?(?:value|secret|string))?(?![a-z])/iy },
  { trigger: "sec", word: /secret(?:[_-]?(?:key(?:[_-]?base)?|value|token|string))?(?![a-z])/iy },
  { trigger: "pas", word: /pass(?:word|wd|phrase|wort)(?:[_-]?(?:value|string))?(?![a-z])/iy, password: true },
  { trigger: "pas", word: /pass(?![a-z])/iy, before: /(?:[_-]|^|["'\s&?,{(]|[a-z](?=$))$/i, password: true },
  { trigger: "pwd", word: /pwd(?![a-z])/iy, before: /(?:[_\-a-z"'&?;{(,]|^)$/, password: true },
  { trigger: "key", word: /key(?:[_-]?(?:value|base|string|secret))?(?![a-z])/iy, before: KEY_OF },
  { trigger: "cre", word: /credentials?(?![a-z])/iy },
  { trigger: "aut", word: /auth(?:orization)?(?![a-z])/iy, before: /(?:[^A-Za-z0-9]|^)$/ },
  { trigger: "con", word: /contrase(?:ñ|n)a(?![a-z])/iy, password: true },
  { trigger: "sen", word: /senha(?![a-z])/iy, password: true },
];

/** Between key and value: closing quote, separator, a type, a line break. Two groups: blanks around the separator. */
const SEPARATOR =
  /(?:\\*["'`]\)?\]?|\])?([ \t]*)(?:(?::(?!:)|：)(?:[ \t]*&?(?:'static )?(?:str(?:ing)?|bytes|text)\b[^=\n"'`(){},;]{0,10}=(?!=))?|:=|=>|={1,3}|%3[dD])((?:[ \t]*(?:[|>][-+]?[ \t]*)?(?:\\*\r?\n|\\+[nr])[ \t]*|[ \t]*))/y;
/** Between a flag and its value, on a command line or in a list of arguments. */
const FLAG_GAP = /\\*["'](?:,\s*|\s+)(?=\\*["'])|[ \t]+(?:\\\r?\n[ \t]*)?(?=[^-\s=])/y;
const PROSE_GAP = /[ \t]+(?:is|ist|est|es|é)[ \t]*:?[ \t]+/y;
const SCHEME = /(?:Bearer|Basic|Token|ApiKey|Api-Key|Digest|Negotiate)[ \t]+/iy;
const OPENING = /(?:[brufBRUF]{1,2}(?=["']))?(\\*)(["'`])/y;
const BARE = /[^\s"'`,;&|<>(){}[\]\\]+/y;
const QUOTED = /[^\s"'`\\]+/y;
/** The next piece of a value that is joined from quoted pieces or continued with a backslash. */
const NEXT_PIECE =
  /(?:\\*["'`][ \t]*(?:[+.][ \t]*)?\\?\r?\n[ \t]*(?:[+.][ \t]*)?\\*["'`]|\\\r?\n[ \t]*)([^\s"'`\\,;]{4,})(?=\\*["'`]|\s|$)/y;

function keyMatcher(key: KeyWord): Matcher {
  return {
    trigger: key.trigger,
    match(text, at) {
      key.word.lastIndex = at;
      if (!key.word.test(text)) return undefined;
      const keyEnd = key.word.lastIndex;
      if (key.before !== undefined && !key.before.test(text.slice(Math.max(0, at - 16), at))) return undefined;
      const gap = gapAfter(text, at, keyEnd);
      return gap === undefined
        ? undefined
        : valueAt(text, gap.end, { tight: gap.tight, password: key.password === true });
    },
  };
}

/** What leads from a key to its value. */
function gapAfter(text: string, keyStart: number, keyEnd: number): { end: number; tight: boolean } | undefined {
  SEPARATOR.lastIndex = keyEnd;
  const separator = SEPARATOR.exec(text);
  if (separator !== null) {
    const [, before = "", after = ""] = separator;
    return { end: SEPARATOR.lastIndex, tight: before === "" && after === "" };
  }
  FLAG_GAP.lastIndex = keyEnd;
  if (FLAG_GAP.test(text) && isFlag(text, keyStart)) return { end: FLAG_GAP.lastIndex, tight: true };
  PROSE_GAP.lastIndex = keyEnd;
  return PROSE_GAP.test(text) ? { end: PROSE_GAP.lastIndex, tight: false } : undefined;
}

function isFlag(text: string, keyStart: number): boolean {
  return /(?:^|[\s"'`=[(])--?[A-Za-z0-9_-]*$/.test(text.slice(Math.max(0, keyStart - 32), keyStart));
}

function valueAt(text: string, at: number, key: { tight: boolean; password: boolean }): Span | undefined {
  OPENING.lastIndex = at;
  const quoted = OPENING.test(text);
  let start = quoted ? OPENING.lastIndex : at;
  SCHEME.lastIndex = start;
  const scheme = SCHEME.test(text);
  if (scheme) start = SCHEME.lastIndex;
  const run = quoted ? QUOTED : BARE;
  run.lastIndex = start;
  const value = run.exec(text)?.[0];
  if (value === undefined || !endsLikeValue(text, run.lastIndex, quoted)) return undefined;
  const place: ValuePlace = { quoted, tight: key.tight || scheme, password: key.password };
  const { end, joined } = withNextPieces(text, run.lastIndex, value);
  if (!isSecretValue(joined, place)) return undefined;
  return { kind: "keyed value", start, end: quoted ? end : withoutFinalPoint(text, start, end) };
}

/** A call, an index or a further key after a bare word says that it is code; a blank in quotes, that it is a sentence. */
function endsLikeValue(text: string, end: number, quoted: boolean): boolean {
  const next = text.charAt(end);
  if (quoted) return next !== " " && next !== "\t";
  return (
    next !== "(" && next !== "[" && !(next === "<" && text.charAt(end + 1) !== "/") && text.charAt(end - 1) !== ":"
  );
}

function withNextPieces(text: string, end: number, value: string): { end: number; joined: string } {
  let [last, joined] = [end, value];
  for (let pieces = 0; pieces < 8; pieces++) {
    NEXT_PIECE.lastIndex = last;
    const piece = NEXT_PIECE.exec(text)?.[1];
    if (piece === undefined || /^(?:--?[A-Za-z]|[A-Za-z_]+=)/.test(piece)) break;
    last = NEXT_PIECE.lastIndex;
    joined += piece;
  }
  return { end: last, joined };
}

function withoutFinalPoint(text: string, start: number, end: number): number {
  return end > start && text.charAt(end - 1) === "." ? end - 1 : end;
}

const BEARER = /Bearer[ \t]+(?:\\\r?\n[ \t]*)?(?:\\*["'])?([A-Za-z0-9._~+/=-]{8,})/iy;
const BASIC = /Basic[ \t]+(?:\\*["'])?([A-Za-z0-9+/]{8,}={0,2})(?![\w-])/iy;
const COOKIE =
  /(?:Cookie|cookie|COOKIE)\\*["']?[ \t]*:[ \t]*(?:\\*["'])?([\w-]+=[^\s"'\\;]{8,}(?:; ?[\w-]+=[^\s"'\\;]{4,})*)/y;
const SIGNATURE = /sig(?:nature)?=([A-Za-z0-9%+/=_-]{20,})/iy;
const USER_OPTION = /-u[ \t]+(?:\\*["'])?([^\s:"'$<{\\]+):([^\s"'$<{\\]{6,})/y;
const URL_PASSWORD = /:\/\/([^\s/:@"'<>`]{0,200}):([^\s/@"'<>`]{3,500})@(?=[\w[])/y;
const URL_TOKEN = /:\/\/([A-Za-z0-9_-]{20,})@(?=[\w[])/y;

const HEADERS_AND_URLS: readonly Matcher[] = [
  {
    trigger: "bea",
    match: (text, at) => lastGroup(BEARER, text, at, "bearer token", isBearerToken),
  },
  {
    trigger: "bas",
    match: (text, at) => lastGroup(BASIC, text, at, "basic authorization", isBasicValue),
  },
  { trigger: "coo", match: (text, at, barren) => withDigit(COOKIE, text, at, "cookie", barren) },
  {
    trigger: "sig",
    match: (text, at, barren) =>
      "?&-".includes(text.charAt(at - 1) || " ") ? withDigit(SIGNATURE, text, at, "url signature", barren) : undefined,
  },
  {
    trigger: "-u ",
    match: (text, at) =>
      /[\s"']$/.test(text.charAt(at - 1))
        ? lastGroup(USER_OPTION, text, at, "user option", (value) => /[0-9]/.test(value) && /[^0-9]/.test(value))
        : undefined,
  },
  { trigger: "://", match: (text, at) => lastGroup(URL_PASSWORD, text, at, "url password", isUrlPassword) },
  { trigger: "://", match: (text, at) => lastGroup(URL_TOKEN, text, at, "url token", (value) => /\d/.test(value)) },
];

/** A value with a digit in it. Where one has none, no part of it has. */
function withDigit(pattern: RegExp, text: string, at: number, kind: string, barren: BarrenRuns): Span | undefined {
  if (at < (barren.get(pattern) ?? 0)) return undefined;
  return lastGroup(pattern, text, at, kind, (value) => {
    if (/\d/.test(value)) return true;
    barren.set(pattern, pattern.lastIndex);
    return false;
  });
}

function lastGroup(
  pattern: RegExp,
  text: string,
  at: number,
  kind: string,
  accept: (value: string) => boolean,
): Span | undefined {
  pattern.lastIndex = at;
  const match = pattern.exec(text);
  const value = match?.at(-1);
  if (match === null || value === undefined || !accept(value)) return undefined;
  const start = at + match[0].lastIndexOf(value);
  return { kind, start, end: start + value.length };
}

function isBasicValue(value: string): boolean {
  return /[0-9=]/.test(value) && !/^[A-Za-z]+\d?$/.test(value);
}

function isUrlPassword(value: string): boolean {
  return !/^(?:[$%{*]|\.\.\.|pass(?:word)?$|pwd$|secret$|token$|x{3,}|\d{1,5}$)/i.test(value);
}

/** One matcher for every way to say that the value that follows is secret. */
export function keyedMatchers(): Matcher[] {
  return [...KEY_WORDS.map(keyMatcher), ...HEADERS_AND_URLS];
}
