import { colorsAreWelcome } from "#lib/env.ts";

/** Text styles; each function returns the text unchanged when colours are off. */
export interface Palette {
  bold(text: string): string;
  dim(text: string): string;
  green(text: string): string;
  red(text: string): string;
  user(text: string): string;
  label(text: string): string;
}

/** `--color`: "auto" colours a terminal unless NO_COLOR is set or TERM is `dumb`. */
export type ColorChoice = "always" | "never" | "auto";

export function createPalette(choice: ColorChoice, isTerminal: boolean): Palette {
  const on = choice === "always" || (choice === "auto" && isTerminal && colorsAreWelcome());
  const style = (codes: string) => (text: string) => (on ? `\u001b[${codes}m${text}\u001b[0m` : text);
  return {
    bold: style("1"),
    dim: style("2"),
    green: style("32"),
    red: style("31"),
    user: style("36"),
    label: style("35;3"),
  };
}
