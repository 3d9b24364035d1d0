/** What a terminal shows as nothing, or as something else than it is. */
const HIDDEN = /(?! )[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/gu;
/** Enough to push what follows out of sight. */
const MANY_BLANKS = / {5,}/g;

/** A text that somebody decides by, whole and with nothing hidden: `\u{200b}`, and `\u{20}×300` for 300 blanks. */
export function visibleText(text: string): string {
  return text.replaceAll(HIDDEN, escaped).replaceAll(MANY_BLANKS, (blanks) => `\\u{20}×${blanks.length}`);
}

function escaped(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
