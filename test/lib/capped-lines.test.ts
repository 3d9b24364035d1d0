import { expect, test } from "bun:test";
import { type CappedLine, CappedLines } from "#lib/capped-lines.ts";

function split(text: string, maxBytes: number, chunkBytes: number): (CappedLine | undefined)[] {
  const lines = new CappedLines(maxBytes);
  const bytes = Buffer.from(text);
  const found: (CappedLine | undefined)[] = [];
  // One buffer for every chunk, as readers reuse theirs.
  const chunk = Buffer.alloc(chunkBytes);
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const length = bytes.copy(chunk, 0, at, at + chunkBytes);
    found.push(...lines.push(chunk.subarray(0, length)));
  }
  return [...found, lines.end()];
}

const line = (text: string): CappedLine => ({ type: "line", text });

test("the same lines for every chunk size, with empty ones and a last one without newline", () => {
  for (let size = 1; size < 30; size++) {
    expect(split("one\n\nzwölf 🦀\nlast", 100, size)).toEqual([line("one"), line(""), line("zwölf 🦀"), line("last")]);
    expect(split("one\n", 100, size)).toEqual([line("one"), undefined]);
  }
});

test("of a line that is too long only the ends are kept, and the next one is whole", () => {
  const long = `${"a".repeat(300)}${"b".repeat(5000)}${"c".repeat(300)}`;
  const ends: CappedLine = { type: "too_long", head: "a".repeat(256), tail: "c".repeat(256) };
  for (const size of [1, 7, 256, 1000, 10_000]) {
    expect(split(`${long}\nnext\n`, 1000, size)).toEqual([ends, line("next"), undefined]);
  }
});

test("the limit itself still fits", () => {
  expect(split(`${"x".repeat(1000)}\n`, 1000, 64)[0]).toEqual(line("x".repeat(1000)));
  expect(split(`${"x".repeat(1001)}\n`, 1000, 64)[0]?.type).toBe("too_long");
});

test("a small limit gives no byte twice", () => {
  expect(split("0123456789\n", 4, 3)[0]).toEqual({ type: "too_long", head: "0123456789", tail: "" });
});
