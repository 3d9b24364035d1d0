/**
 * The text as Rust's `{:?}` prints a string: in double quotes, with escapes. Error texts that programs
 * match on carry it.
 */
export function rustDebug(text: string): string {
  let quoted = "";
  for (const char of text) quoted += escaped(char);
  return `"${quoted}"`;
}

const NAMED_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\0": "\\0",
};

function escaped(char: string): string {
  const named = NAMED_ESCAPES[char];
  if (named !== undefined) return named;
  if (/[\p{C}\p{Z}]/u.test(char) && char !== " ") return `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`;
  return char;
}
