/** What a terminal shows of a text at most, in characters as people count them; as in Codex CLI. */
const PREVIEW_GRAPHEMES = 200;
/** One character can be any number of code points. */
const PREVIEW_UNITS = 4000;

export const BEL = "\x07";

/**
 * A text as one line that a terminal or a toast can show: without control characters, those that change the direction
 * of writing included, and not too long.
 */
export function preview(text: string): string {
  const line = text
    .slice(0, 4 * PREVIEW_UNITS)
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ")
    .replaceAll(/[\u202a-\u202e\u2066-\u2069]/g, "")
    .trim();
  const segments = new Intl.Segmenter().segment(line.slice(0, PREVIEW_UNITS).toWellFormed())[Symbol.iterator]();
  const kept = [...segments.take(PREVIEW_GRAPHEMES + 1)].map(({ segment }) => segment);
  const isWhole = kept.length <= PREVIEW_GRAPHEMES && line.length <= PREVIEW_UNITS;
  return isWhole ? line : `${kept.slice(0, PREVIEW_GRAPHEMES - 1).join("")}…`;
}

/** The bytes that make a terminal show a text as a notification (OSC 9), through a multiplexer if there is one. */
export function osc9(text: string, through: "tmux" | "screen" | null): string {
  const shown = preview(text);
  // Terminals that took over OSC 9 from ConEmu read a number in front as another command ("4;" is a progress bar).
  const sequence = `\x1b]9;${/^\d+(;|$)/.test(shown) ? " " : ""}${shown}${BEL}`;
  switch (through) {
    case "tmux":
      return `\x1bPtmux;${sequence.replaceAll("\x1b", "\x1b\x1b")}\x1b\\`;
    case "screen":
      return `\x1bP${sequence}\x1b\\`;
    case null:
      return sequence;
  }
}
