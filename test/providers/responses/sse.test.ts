import { expect, test } from "bun:test";
import fc from "fast-check";
import { SseSplitter } from "#providers/responses/sse.ts";
import { cpuMs } from "../../support/cpu-ms.ts";

function dataOf(pieces: readonly Uint8Array[]): string[] {
  const splitter = new SseSplitter();
  const found: string[] = [];
  for (const piece of pieces) splitter.feed(piece, (data) => found.push(data));
  splitter.end((data) => found.push(data));
  return found;
}

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text));

const TRANSCRIPT = [
  "\uFEFF: a comment\n",
  'event: first\ndata: {"a":"é → 🦀"}\n\n',
  "data:no space\nid: 4\n\n",
  "data: two\ndata: lines\n\n",
  "data\n\n",
  "data: \n\n",
  "retry: 5\n\n",
  "data: crlf\r\n\r\n",
  "data: cr\r\r",
  "database: not data\n\n",
  "data: last without blank line",
].join("");
const EXPECTED = ['{"a":"é → 🦀"}', "no space", "two\nlines", "", "", "crlf", "cr", "last without blank line"];

test("keeps the data of each event and nothing else", () => {
  expect(dataOf([bytesOf(TRANSCRIPT)])).toEqual(EXPECTED);
});

test("gives the same events when the bytes are cut in two anywhere", () => {
  const bytes = bytesOf(TRANSCRIPT);
  for (let cut = 0; cut <= bytes.length; cut++) {
    expect({ cut, data: dataOf([bytes.subarray(0, cut), bytes.subarray(cut)]) }).toEqual({ cut, data: EXPECTED });
  }
});

test("gives the same events byte by byte", () => {
  expect(dataOf([...bytesOf(TRANSCRIPT)].map((byte) => new Uint8Array([byte])))).toEqual(EXPECTED);
});

test("any text in any pieces splits like the whole", () => {
  const line = fc.oneof(
    fc.constantFrom("", "data: x", "data:", "data", ": c", "event: e", "dat", "data: é🦀", " data: no"),
    fc.string({ unit: "grapheme", maxLength: 12 }).map((text) => `data: ${text.replace(/[\r\n\uFEFF]/g, "")}`),
  );
  const newline = fc.constantFrom("\n", "\r\n", "\r");
  const transcript = fc.array(fc.tuple(line, newline), { maxLength: 20 }).map((lines) => lines.flat().join(""));
  fc.assert(
    fc.property(transcript, fc.array(fc.nat({ max: 200 }), { maxLength: 8 }), (text, cuts) => {
      const bytes = bytesOf(text);
      const edges = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
      const pieces = edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
      expect(dataOf(pieces)).toEqual(dataOf([bytes]));
    }),
    { numRuns: 300 },
  );
});

test("replaces invalid UTF-8 and goes on", () => {
  const bytes = Buffer.concat([Buffer.from("data: a"), Buffer.from([0xff, 0xc3]), Buffer.from("\n\ndata: b\n\n")]);
  expect(dataOf([bytes])).toEqual(["a\uFFFD\uFFFD", "b"]);
});

test("a line of 8 MB in small pieces takes time in proportion to its length", async () => {
  const piece = bytesOf("x".repeat(4096));
  const splitter = new SseSplitter();
  const found: string[] = [];
  const spent = await cpuMs(() => {
    splitter.feed(bytesOf("data: "), (data) => found.push(data));
    for (let index = 0; index < 2048; index++) splitter.feed(piece, (data) => found.push(data));
    splitter.feed(bytesOf("\n\n"), (data) => found.push(data));
  });
  expect(found.map((data) => data.length)).toEqual([8 << 20]);
  // Copying the open line for every piece would move 8 GB.
  expect(spent).toBeLessThan(3000);
});
