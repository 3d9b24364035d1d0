/** A piece of a rules file; `start` and `end` are UTF-16 offsets. */
export type Token = { start: number; end: number } & (
  | { type: "string"; value: string }
  | { type: "name"; value: string }
  | { type: "integer"; value: number }
  | { type: "symbol"; value: string }
  | { type: "newline" }
  | { type: "end" }
);

/** A mistake at an offset of the text. Caught inside this folder; never leaves it. */
export class RulesSyntaxError extends Error {
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

/** Reads the token at or after `from`. Line ends count only outside brackets (`inBrackets` false). */
export function scanToken(text: string, from: number, inBrackets: boolean): Token {
  const start = skipBlank(text, from, inBrackets);
  const char = text.charAt(start);
  if (char === "") return { type: "end", start, end: start };
  if (char === "\n") return { type: "newline", start, end: start + 1 };
  const quoted = matchAt(STRING_START, text, start);
  if (quoted !== null) return scanString(text, start, quoted[1] !== "", quoted[2] ?? "");
  const name = matchAt(NAME, text, start)?.[0];
  if (name !== undefined) return { type: "name", value: name, start, end: start + name.length };
  const digits = matchAt(DIGITS, text, start)?.[0];
  if (digits !== undefined) return { type: "integer", value: Number(digits), start, end: start + digits.length };
  if ("()[],=+;".includes(char)) return { type: "symbol", value: char, start, end: start + 1 };
  throw new RulesSyntaxError(start, `\`${char}\` is not supported here`);
}

const STRING_START = /([rR]?)("""|'''|"|')/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const DIGITS = /[0-9]+/y;
const PLAIN_TEXT = /[^"'\\\n]+/y;

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** Skips spaces, comments, continued lines and, in brackets, line ends. */
function skipBlank(text: string, from: number, inBrackets: boolean): number {
  let at = from;
  for (;;) {
    const char = text.charAt(at);
    if (char === " " || char === "\t" || char === "\r" || char === "\uFEFF" || (char === "\n" && inBrackets)) at++;
    else if (char === "\\" && /^\\\r?\n/.test(text.slice(at, at + 3))) at = text.indexOf("\n", at) + 1;
    else if (char === "#") at = lineEnd(text, at);
    else return at;
  }
}

/** Offset of the line feed at or after `from`, or of the end of the text. */
export function lineEnd(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end === -1 ? text.length : end;
}

function scanString(text: string, start: number, isRaw: boolean, quote: string): Token {
  let at = start + (isRaw ? 1 : 0) + quote.length;
  let value = "";
  for (;;) {
    const char = text.charAt(at);
    if (char === "" || (char === "\n" && quote.length === 1)) {
      throw new RulesSyntaxError(start, "unfinished string literal");
    }
    if (text.startsWith(quote, at)) return { type: "string", value, start, end: at + quote.length };
    const plain = matchAt(PLAIN_TEXT, text, at)?.[0] ?? (char === "\\" ? undefined : char);
    if (plain !== undefined) {
      value += plain;
      at += plain.length;
    } else if (isRaw) {
      value += text.slice(at, at + 2);
      at += 2;
    } else {
      const escaped = readEscape(text, at);
      value += escaped.value;
      at = escaped.end;
    }
  }
}

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  a: "\x07",
  b: "\b",
  f: "\f",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
  "\n": "",
};

/** The character an escape stands for; an unknown escape is the two characters it is written with. */
function readEscape(text: string, at: number): { value: string; end: number } {
  const char = text.charAt(at + 1);
  const simple = SIMPLE_ESCAPES[char];
  if (simple !== undefined) return { value: simple, end: at + 2 };
  if (text.startsWith("\r\n", at + 1)) return { value: "", end: at + 3 };
  const tail = text.slice(at, at + 10);
  const octal = /^\\([0-7]{1,3})/.exec(tail)?.[1];
  if (octal !== undefined) return { value: String.fromCharCode(Number.parseInt(octal, 8)), end: at + 1 + octal.length };
  if (char !== "x" && char !== "u" && char !== "U") return { value: `\\${char}`, end: at + 1 + char.length };
  const digits = /^\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/.exec(tail);
  const code = Number.parseInt(digits?.[1] ?? digits?.[2] ?? digits?.[3] ?? "", 16);
  if (digits === null || code > 0x10ffff) throw new RulesSyntaxError(at, `invalid escape \`\\${char}\``);
  return { value: String.fromCodePoint(code), end: at + digits[0].length };
}
