import { readSync } from "node:fs";

const BLOCK_BYTES = 1 << 16;
/** Longer than any start of a line up to its ordinal. */
const OVERLAP_BYTES = 128;
/** 0.169's line start. A newline is never part of a JSON text, so this only matches where a line begins. */
const LINE_START = /(?:^|\n)\{"timestamp":"[^"]{0,40}","ordinal":(\d{1,15}),/g;

/**
 * The ordinal the next line must carry in a file whose lines are numbered, or undefined in one whose are not.
 * 0.169 numbers the lines of the sessions it makes and refuses one whose last line has no number.
 */
export function nextOrdinal(fd: number, size: number): number | undefined {
  if (lastOrdinalBetween(fd, 0, Math.min(size, OVERLAP_BYTES)) === undefined) return undefined;
  for (let end = size; end > 0; end -= BLOCK_BYTES) {
    const last = lastOrdinalBetween(fd, Math.max(0, end - BLOCK_BYTES), Math.min(size, end + OVERLAP_BYTES));
    if (last !== undefined) return last + 1;
  }
  return undefined;
}

function lastOrdinalBetween(fd: number, start: number, end: number): number | undefined {
  const block = Buffer.alloc(end - start);
  readSync(fd, block, 0, block.length, start);
  const text = block.toString("latin1");
  // "^" stands for the start of the file only.
  const matches = [...text.matchAll(LINE_START)].filter(
    (match) => start === 0 || match.index > 0 || text.startsWith("\n"),
  );
  const last = matches.at(-1)?.[1];
  return last === undefined ? undefined : Number(last);
}
