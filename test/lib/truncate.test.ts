import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  approxTokens,
  countLines,
  policyBytes,
  scalePolicy,
  truncateMiddle,
  truncateWithLineCount,
} from "#lib/truncate.ts";

describe("truncateMiddle", () => {
  test("leaves a text of exactly the budget alone and cuts one byte more", () => {
    const policy = { mode: "tokens", limit: 4 } as const;
    expect(truncateMiddle("0123456789abcdef", policy)).toBe("0123456789abcdef");
    expect(truncateMiddle("0123456789abcdefg", policy)).toBe("01234567…1 tokens truncated…9abcdefg");
  });

  test("counts what went in tokens of four bytes, rounded up", () => {
    expect(truncateMiddle("hello world\n", { mode: "tokens", limit: 1 })).toBe("he…2 tokens truncated…d\n");
    expect(truncateMiddle("hello world\n", { mode: "tokens", limit: 0 })).toBe("…3 tokens truncated…");
  });

  test("counts characters in byte mode", () => {
    expect(truncateMiddle("ééééé", { mode: "bytes", limit: 4 })).toBe("é…3 chars truncated…é");
  });

  test("never cuts inside a character", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 60 }), fc.nat(40), (text, limit) => {
        const cut = truncateMiddle(text, { mode: "bytes", limit });
        const [head = "", tail = ""] = cut.split(/…\d+ chars truncated…/);
        expect(cut === text || (text.startsWith(head) && text.endsWith(tail))).toBe(true);
        if (cut !== text) expect(Buffer.byteLength(head) + Buffer.byteLength(tail)).toBeLessThanOrEqual(limit);
      }),
    );
  });
});

test("the line count stands in front of a cut text only", () => {
  const policy = { mode: "tokens", limit: 2 } as const;
  expect(truncateWithLineCount("a\nb\n", policy)).toBe("a\nb\n");
  expect(truncateWithLineCount("aaaa\nbbbb\ncccc\n", policy)).toBe(
    "Total output lines: 3\n\naaaa…2 tokens truncated…ccc\n",
  );
});

test("lines, tokens and budgets", () => {
  expect([countLines(""), countLines("a"), countLines("a\n"), countLines("a\nb"), countLines("\n\n")]).toEqual([
    0, 1, 1, 2, 2,
  ]);
  expect([approxTokens(0), approxTokens(1), approxTokens(4), approxTokens(5)]).toEqual([0, 1, 1, 2]);
  expect(policyBytes(scalePolicy({ mode: "tokens", limit: 10_000 }, 1.2))).toBe(48_000);
  expect(policyBytes(scalePolicy({ mode: "bytes", limit: 10_000 }, 1.2))).toBe(12_000);
});
