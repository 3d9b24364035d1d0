/** Columns a text takes in a terminal; wide characters take two, combining ones none. */
export function textWidth(text: string): number {
  return Bun.stringWidth(text);
}

/** The text in at most `columns` columns, its end replaced by `…` where it is longer. */
export function fitText(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  let kept = "";
  let width = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    const next = textWidth(segment);
    if (width + next > columns - 1) break;
    kept += segment;
    width += next;
  }
  return columns <= 0 ? "" : `${kept}…`;
}

/** The text filled up with blanks. */
export function padText(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - textWidth(text)));
}
