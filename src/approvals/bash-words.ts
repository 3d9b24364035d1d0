import { isKnown, type Word } from "#execpolicy/words.ts";

/** The word an unquoted piece stands for: escapes undone; patterns, `~` and braces are only known when it runs. */
export function unescaped(text: string): Word {
  if (!expandsBraces(text) && !/(?<!\\)(?:\\\\)*[*?[]|^~/.test(text)) return text.replace(/\\(.)/gs, "$1");
  if (expandsBraces(text)) return { prefix: "", suffix: "", many: true };
  const prefix = /^[^*?[~\\]*/.exec(text)?.[0] ?? "";
  const suffix = endWithout(text, "*?[]~\\");
  return { prefix, suffix, many: true };
}

/** Whether there is something like `{a,b}` or `{1..3}`, which becomes several words; `{}` is just itself. */
export function expandsBraces(text: string): boolean {
  const inner = text.slice(text.indexOf("{") + 1, text.lastIndexOf("}"));
  return text.includes("{") && (inner.includes(",") || inner.includes(".."));
}

/** The end of a text that holds none of the characters. In one pass: a model may write very long words. */
export function endWithout(text: string, characters: string): string {
  let at = text.length;
  while (at > 0 && !characters.includes(text.charAt(at - 1))) at--;
  return text.slice(at);
}

/** One word made of adjacent pieces. */
export function joinWords(pieces: readonly Word[]): Word {
  if (pieces.every(isKnown)) return pieces.join("");
  const first = pieces.findIndex((piece) => !isKnown(piece));
  const last = pieces.findLastIndex((piece) => !isKnown(piece));
  const opening = pieces[first];
  const closing = pieces[last];
  const before = pieces.slice(0, first).join("");
  const after = pieces.slice(last + 1).join("");
  return {
    prefix: before + (opening === undefined || isKnown(opening) ? "" : opening.prefix),
    suffix: (closing === undefined || isKnown(closing) ? "" : closing.suffix) + after,
    many: pieces.some((piece) => !isKnown(piece) && piece.many),
  };
}

const CONTROL: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  e: "\x1b",
  E: "\x1b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** The text inside `$'…'`. */
export function quotedText(inner: string): string {
  return inner.replace(
    /\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})|c(.)|(.))/gs,
    (_, x, u, long, octal, control, char) => {
      const hex = x ?? u ?? long;
      if (hex !== undefined) return character(Number.parseInt(hex, 16));
      if (octal !== undefined) return character(Number.parseInt(octal, 8) & 0xff);
      if (control !== undefined) return character(String(control).charCodeAt(0) & 0x1f);
      return CONTROL[char] ?? char;
    },
  );
}

function character(code: number): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : "";
}
