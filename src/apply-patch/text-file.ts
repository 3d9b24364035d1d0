import { isUtf8 } from "node:buffer";

/** The ending of one line; `none` only on the last line of a file without a final newline. */
export type LineEnding = "\n" | "\r\n" | "";

/** A text file as lines. Encoding it again gives the same bytes. */
export interface TextFile {
  /** Whether the file began with a UTF-8 byte order mark, which is in no line. */
  bom: boolean;
  /** Without endings. A lone CR is part of its line. */
  lines: string[];
  /** One per line. */
  endings: LineEnding[];
}

const BOM = "\ufeff";

/** The bytes as lines, or the reason why they are not text this program can edit without harm. */
export function decodeText(bytes: Buffer): TextFile | { refused: string } {
  if (!isUtf8(bytes)) return { refused: `stream did not contain valid UTF-8${encodingHint(bytes)}` };
  if (bytes.includes(0)) {
    return { refused: "the file contains NUL bytes, so it is binary or UTF-16; only UTF-8 text can be patched" };
  }
  const text = bytes.toString("utf8");
  const bom = text.startsWith(BOM);
  return { bom, ...splitText(bom ? text.slice(BOM.length) : text) };
}

function encodingHint(bytes: Buffer): string {
  const mark = bytes.subarray(0, 2).toString("hex");
  return mark === "fffe" || mark === "feff" ? " (it looks like UTF-16)" : "";
}

function splitText(text: string): { lines: string[]; endings: LineEnding[] } {
  const lines: string[] = [];
  const endings: LineEnding[] = [];
  let start = 0;
  while (start < text.length) {
    const newline = text.indexOf("\n", start);
    if (newline === -1) {
      lines.push(text.slice(start));
      endings.push("");
      break;
    }
    const isCrlf = newline > start && text[newline - 1] === "\r";
    lines.push(text.slice(start, isCrlf ? newline - 1 : newline));
    endings.push(isCrlf ? "\r\n" : "\n");
    start = newline + 1;
  }
  return { lines, endings };
}

/** The whole text, byte order mark included. */
export function joinText(file: TextFile): string {
  const parts: string[] = file.bom ? [BOM] : [];
  for (let index = 0; index < file.lines.length; index++)
    parts.push(file.lines[index] ?? "", file.endings[index] ?? "");
  return parts.join("");
}

/** The ending most lines have; LF when there is a tie or no line. */
export function dominantEnding(file: TextFile): "\n" | "\r\n" {
  let balance = 0;
  for (const ending of file.endings) balance += ending === "\r\n" ? 1 : ending === "\n" ? -1 : 0;
  return balance > 0 ? "\r\n" : "\n";
}
