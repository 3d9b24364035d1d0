import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { capturedText, OutputBuffer } from "#process/output-buffer.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("OutputBuffer", () => {
  test("keeps everything up to the cap", () => {
    const buffer = new OutputBuffer(8);
    buffer.push(bytes("abc"));
    buffer.push(bytes("defgh"));
    expect(buffer.snapshot()).toEqual({ head: "abcdefgh", tail: "", omittedBytes: 0, totalBytes: 8 });
  });

  test("keeps the first and the last half beyond it", () => {
    const buffer = new OutputBuffer(8);
    for (const char of "abcdefghijklm") buffer.push(bytes(char));
    const captured = buffer.snapshot();
    expect(captured).toEqual({ head: "abcd", tail: "jklm", omittedBytes: 5, totalBytes: 13 });
    expect(capturedText(captured)).toBe("abcd\n... 5 bytes omitted ...\njklm");
  });

  test("gives the same whatever the chunks are", () => {
    const chunks = fc.array(fc.uint8Array({ maxLength: 12 }), { maxLength: 12 });
    fc.assert(
      fc.property(chunks, (parts) => {
        const [split, whole] = [new OutputBuffer(16), new OutputBuffer(16)];
        for (const part of parts) split.push(part);
        whole.push(Buffer.concat(parts));
        expect(split.snapshot()).toEqual(whole.snapshot());
        const all = Buffer.concat(parts);
        if (all.length <= 16)
          expect(split.snapshot().head).toBe(new TextDecoder("utf-8", { ignoreBOM: true }).decode(all));
      }),
    );
  });

  test("replaces invalid UTF-8 and keeps a byte order mark", () => {
    const buffer = new OutputBuffer();
    buffer.push(Buffer.from([0xef, 0xbb, 0xbf, 0x61, 0xff, 0xc3, 0x28, 0x62, 0xe2, 0x82]));
    expect(buffer.snapshot().head).toBe("\uFEFFa\uFFFD\uFFFD(b\uFFFD");
  });

  test("holds an unfinished character back for the next drain", () => {
    const buffer = new OutputBuffer();
    buffer.push(Buffer.from([0x61, 0xf0, 0x9f]));
    expect(buffer.drain({ final: false })).toEqual({ head: "a", tail: "", omittedBytes: 0, totalBytes: 1 });
    buffer.push(Buffer.from([0x98, 0x80]));
    expect(buffer.drain({ final: false }).head).toBe("😀");
    buffer.push(Buffer.from([0xe2]));
    expect(buffer.drain({ final: true }).head).toBe("\uFFFD");
    expect(buffer.drain({ final: true })).toEqual({ head: "", tail: "", omittedBytes: 0, totalBytes: 0 });
  });

  test("holds it back from the tail too", () => {
    const buffer = new OutputBuffer(4);
    buffer.push(bytes("abcdef"));
    buffer.push(Buffer.from([0xc3]));
    expect(buffer.drain({ final: false })).toEqual({ head: "ab", tail: "f", omittedBytes: 3, totalBytes: 6 });
    buffer.push(Buffer.from([0xa9]));
    expect(buffer.drain({ final: false }).head).toBe("é");
  });

  test("does not cut characters at the gap", () => {
    const buffer = new OutputBuffer(8);
    buffer.push(bytes("abéxxxxéyz"));
    buffer.push(bytes("w"));
    const captured = buffer.snapshot();
    expect(captured).toEqual({ head: "abé", tail: "yzw", omittedBytes: 6, totalBytes: 13 });
  });
});
