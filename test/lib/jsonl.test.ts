import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { parseJsonObject, readFirstLines, readLineBatches, toJsonLine } from "#lib/jsonl.ts";
import { tempHome } from "../support/temp-home.ts";

async function allLines(path: string, chunkBytes?: number): Promise<{ text: string; terminated: boolean }[]> {
  const lines: { text: string; terminated: boolean }[] = [];
  for await (const batch of readLineBatches(path, chunkBytes === undefined ? {} : { chunkBytes })) {
    lines.push(...batch.map((line) => ({ text: line.bytes.toString(), terminated: line.terminated })));
  }
  return lines;
}

describe("readLineBatches", () => {
  test("gives the same lines for every chunk size", async () => {
    await using home = await tempHome();
    const path = home.write("a.jsonl", "one\n\n  \r\ntwo é\n{}\r\nlast without newline");
    const expected = [
      { text: "one", terminated: true },
      { text: "two é", terminated: true },
      { text: "{}\r", terminated: true },
      { text: "last without newline", terminated: false },
    ];
    for (let size = 1; size <= 50; size++) expect(await allLines(path, size)).toEqual(expected);
    expect(await allLines(path)).toEqual(expected);
  });

  test("an empty file has no lines, a missing one throws, a line of 100 MB survives", async () => {
    await using home = await tempHome();
    expect(await allLines(home.write("empty", ""))).toEqual([]);
    expect(allLines(join(home.root, "missing"))).rejects.toThrow("ENOENT");
    const size = 100 << 20;
    const big = home.write(
      "big",
      Buffer.concat([Buffer.from("first\n"), Buffer.alloc(size, "x"), Buffer.from("\nend\n")]),
    );
    const lengths: number[] = [];
    for await (const batch of readLineBatches(big)) for (const line of batch) lengths.push(line.bytes.length);
    expect(lengths).toEqual([5, size, 3]);
  }, 30_000);

  test("stops when aborted", async () => {
    await using home = await tempHome();
    const path = home.write("a", "line\n".repeat(1000));
    const controller = new AbortController();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const batch of readLineBatches(path, { signal: controller.signal, chunkBytes: 50 })) {
        seen.push(batch.length);
        controller.abort(new Error("enough"));
      }
    })();
    expect(reading).rejects.toThrow("enough");
    await reading.catch(() => {});
    expect(seen).toEqual([10]);
  });
});

describe("readFirstLines", () => {
  test("reads no further than it must and leaves a cut line out", async () => {
    await using home = await tempHome();
    const path = home.write("a", `one\n\ntwo\n${"x".repeat(100_000)}\nfour`);
    expect(readFirstLines(path, { maxLines: 2, maxBytes: 1 << 20 })).toEqual(["one", "two"]);
    expect(readFirstLines(path, { maxLines: 9, maxBytes: 50_000 })).toEqual(["one", "two"]);
    expect(readFirstLines(path, { maxLines: 9, maxBytes: 1 << 20 }).map((line) => line.length)).toEqual([
      3, 3, 100_000, 4,
    ]);
  });
});

describe("one line", () => {
  test("only objects are records", () => {
    expect(parseJsonObject('{"a":1}')).toEqual({ a: 1 });
    for (const text of ["", "[]", "null", "1", '"x"', "{", "{}{}"]) expect(parseJsonObject(text)).toBeUndefined();
    expect(parseJsonObject(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toEqual({ "\ufffd": 1 });
  });

  test("is written with a newline and without half surrogate pairs", () => {
    expect(toJsonLine({ a: "x\ny\u2028" })).toBe('{"a":"x\\ny\u2028"}\n');
    expect(toJsonLine(["\udc00a\ud800", "\\ud800", "\\\ud800", "😀"])).toBe(
      '["\\ufffda\\ufffd","\\\\ud800","\\\\\\ufffd","😀"]\n',
    );
  });
});
