import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseGreeting, parsePassword, parseRequest } from "#network-proxy/socks.ts";

const name = (text: string | Uint8Array) => {
  const encoded = Buffer.from(text as string);
  return Uint8Array.of(5, 1, 0, 3, encoded.length, ...encoded, 1, 187);
};
const read = (bytes: Uint8Array) => {
  const parsed = parseRequest(bytes);
  if (parsed.kind !== "ok") return parsed.kind;
  const { command, host, port } = parsed.value;
  if (host === undefined) return `${command} no host`;
  return host.kind === "refused" ? `refused: ${host.why}` : `${command} ${host.kind} ${host.text} ${port}`;
};

test("greeting", () => {
  expect(parseGreeting(Uint8Array.of(5, 2, 0, 2, 9))).toEqual({ kind: "ok", length: 4, value: [0, 2] });
  expect([[], [5], [5, 2], [5, 2, 0]].map((bytes) => parseGreeting(Uint8Array.from(bytes)).kind)).toEqual([
    "more",
    "more",
    "more",
    "more",
  ]);
  expect(parseGreeting(Uint8Array.of(4, 1)).kind).toBe("bad");
});

test("password", () => {
  expect(parsePassword(Uint8Array.of(1, 1, 97, 2, 98, 99, 5))).toEqual({ kind: "ok", length: 6, value: "bc" });
  expect(parsePassword(Uint8Array.of(1, 0, 0))).toEqual({ kind: "ok", length: 3, value: "" });
  expect(parsePassword(Uint8Array.of(5)).kind).toBe("bad");
});

test("a request for a name, an IPv4 and an IPv6 address", () => {
  expect(read(name("A.test."))).toBe("1 name a.test 443");
  expect(read(Uint8Array.of(5, 1, 0, 1, 127, 0, 0, 1, 0, 80))).toBe("1 ip 127.0.0.1 80");
  expect(read(Uint8Array.of(5, 1, 0, 4, ...Array<number>(15).fill(0), 1, 0, 80))).toBe("1 ip ::1 80");
  const mapped = [...Array<number>(10).fill(0), 255, 255, 10, 0, 0, 1];
  expect(read(Uint8Array.of(5, 1, 0, 4, ...mapped, 0, 80))).toBe("1 ip 10.0.0.1 80");
  expect(read(Uint8Array.of(5, 3, 0, 1, 1, 2, 3, 4, 0, 80))).toBe("3 ip 1.2.3.4 80");
});

test("a name is canonical or refused", () => {
  expect(read(name("evil.test\0.allowed.test"))).toBe("refused: has a character that no host name has");
  expect(read(name("127.1"))).toBe("refused: is a number but no dotted decimal address");
  expect(read(name("::1"))).toBe("1 ip ::1 443");
  expect(read(name("fe80::1%eth0"))).toBe("refused: is not an IPv6 address without a zone");
  expect(read(name(Uint8Array.of(0xff, 0xfe)))).toBe("refused: is not UTF-8");
  expect(read(name(Uint8Array.of(0xc0, 0xae)))).toBe("refused: is not UTF-8");
  expect(read(name("\ufeffa.test"))).not.toContain("\ufeff");
  expect(read(name(""))).toBe("refused: is empty");
  expect(read(name("bücher.example"))).toBe("1 name xn--bcher-kva.example 443");
});

test("what is no request", () => {
  expect(read(Uint8Array.of(4, 1, 0, 1))).toBe("bad");
  expect(read(Uint8Array.of(5, 1, 1, 1))).toBe("bad");
  expect(read(Uint8Array.of(5, 1, 0, 2, 0))).toBe("1 no host");
});

test("any bytes are read without an error, and cut short they are never more than the whole", () => {
  const start = fc.constantFrom<number[]>([], [5], [5, 1, 0], [5, 1, 0, 1], [5, 1, 0, 3], [5, 1, 0, 4], [1, 3]);
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 600 }), (head, tail) => {
      const bytes = Uint8Array.of(...head, ...tail);
      for (const parse of [parseGreeting, parsePassword, parseRequest]) {
        const whole = parse(bytes);
        if (whole.kind !== "ok") continue;
        expect(whole.length).toBeLessThanOrEqual(bytes.length);
        // The value depends on nothing behind its end.
        const exact = parse(bytes.subarray(0, whole.length));
        expect(exact).toEqual(whole);
      }
    }),
  );
});
