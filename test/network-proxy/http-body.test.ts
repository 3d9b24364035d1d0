import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { bodyDecoder, encodeChunk, LAST_CHUNK } from "#network-proxy/http-body.ts";
import { BadMessage } from "#network-proxy/http-head.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");

/** What a chunked body holds, and what follows it. */
function decode(text: string, cuts: readonly number[] = []): { body: string; rest: string; done: boolean } | string {
  const decoder = bodyDecoder({ kind: "chunked" });
  const all = bytes(text);
  const pieces: Uint8Array[] = [];
  try {
    let from = 0;
    for (const cut of [...cuts.toSorted((a, b) => a - b), all.length]) {
      pieces.push(...decoder.push(all.subarray(from, cut)));
      from = cut;
    }
  } catch (error) {
    if (error instanceof BadMessage) return error.message;
    throw error;
  }
  const rest = Buffer.from(decoder.rest).toString("latin1");
  return { body: Buffer.concat(pieces).toString("latin1"), rest, done: decoder.done };
}

describe("chunked", () => {
  test("sizes, extensions and trailers", () => {
    expect(decode("5\r\nhello\r\n0\r\n\r\n")).toEqual({ body: "hello", rest: "", done: true });
    expect(decode("00A;x=y\r\n0123456789\r\n1\r\n!\r\n000\r\nT: v\r\n\r\nGET")).toEqual({
      body: "0123456789!",
      rest: "GET",
      done: true,
    });
    expect(decode("5\r\nhel")).toEqual({ body: "hel", rest: "", done: false });
  });

  test.each([
    ["5\nhello\r\n0\r\n\r\n", "a line between chunks has no CR LF"],
    ["5\r\nhello\n0\r\n\r\n", "a line between chunks has no CR LF"],
    ["5\r\nhello!\r\n0\r\n\r\n", "a chunk is longer than its size"],
    ["5\r\nhello0\r\n\r\n", "a chunk is longer than its size"],
    ["0x5\r\nhello\r\n", "a chunk has no proper size"],
    ["-1\r\n", "a chunk has no proper size"],
    ["+5\r\nhello\r\n", "a chunk has no proper size"],
    [" 5\r\nhello\r\n", "a chunk has no proper size"],
    ["5 \r\nhello\r\n", "a chunk has no proper size"],
    ["\r\nhello\r\n", "a chunk has no proper size"],
    ["10000000000000\r\n", "a chunk has no proper size"],
    ["5;a\rb\r\nhello\r\n", "a control character stands between chunks"],
    ["5;\0\r\nhello\r\n", "a control character stands between chunks"],
    [`5;${"x".repeat(5000)}\r\nhello\r\n`, "a line between chunks is too long"],
    ["5".repeat(5000), "a line between chunks is too long"],
    [`0\r\n${"T: v\r\n".repeat(101)}\r\n`, "there are too many trailers"],
  ])("%p is refused", (text, problem) => {
    expect(decode(text)).toBe(problem);
  });

  test("cut anywhere, it is the same", () => {
    const text = "5;e\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\nA: b\r\n\r\nnext";
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 8 }), (cuts) =>
        expect(decode(text, cuts)).toEqual(decode(text)),
      ),
    );
  });

  test("what we write, we read", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.string({ unit: "binary-ascii" }), { maxLength: 3 }), { maxLength: 5 }),
        (chunks) => {
          const written = chunks.flatMap((chunk) => encodeChunk(chunk.map(bytes)));
          const text = Buffer.concat([...written, LAST_CHUNK]).toString("latin1");
          expect(decode(text)).toEqual({ body: chunks.flat().join(""), rest: "", done: true });
        },
      ),
    );
  });

  test("any bytes are a body or refused", () => {
    const part = fc.constantFrom("0", "1", "5", "\r\n", "\r", "\n", ";", "a", "\0", "hello", ": ");
    fc.assert(
      fc.property(fc.array(part), fc.array(fc.nat(40), { maxLength: 3 }), (parts, cuts) => {
        decode(
          parts.join(""),
          cuts.map((cut) => Math.min(cut, parts.join("").length)),
        );
      }),
    );
  });
});

test("a length takes its bytes and leaves the rest", () => {
  const decoder = bodyDecoder({ kind: "length", length: 5 });
  expect(decoder.push(bytes("hel")).map(String)).toEqual(["hel"]);
  expect(decoder.done).toBe(false);
  expect(decoder.push(bytes("lo GET")).map(String)).toEqual(["lo"]);
  expect([decoder.done, Buffer.from(decoder.rest).toString()]).toEqual([true, " GET"]);
  expect([bodyDecoder({ kind: "none" }).done, bodyDecoder({ kind: "close" }).done]).toEqual([true, false]);
});
