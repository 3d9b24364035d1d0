import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatAuthority, parseAuthority, parseHost } from "#network-proxy/host.ts";
import "../support/fuzz-seed.ts";

const canonical = (text: string) => {
  const host = parseHost(text);
  return host.kind === "refused" ? "refused" : `${host.kind} ${host.text}`;
};

/** Every way we know to write a host so that a check and a resolver read it differently. */
const TRICKS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "case and trailing dots": {
    "Example.COM": "name example.com",
    "example.com.": "name example.com",
    "EXAMPLE.com.": "name example.com",
    "example.com..": "refused",
    ".example.com": "refused",
    "a..b": "refused",
    ".": "refused",
    "": "refused",
    "127.0.0.1.": "ip 127.0.0.1",
  },
  "NUL, control characters and spaces": {
    "evil.test\0.allowed.test": "refused",
    "allowed.test\0": "refused",
    "allowed.test\r\nX: y": "refused",
    "allowed.test\t": "refused",
    " allowed.test": "refused",
    "allowed.test ": "refused",
    "allowed .test": "refused",
    "allowed.test\x7f": "refused",
    "allowed.test\u0080": "refused",
    "allowed.test\u2028": "refused",
    "allowed.test\u00a0": "refused",
  },
  "percent-encoding": {
    "allowed%2etest": "refused",
    "%61llowed.test": "refused",
    "127.0.0.1%00.allowed.test": "refused",
    "127%2e0%2e0%2e1": "refused",
    "allowed.test%": "refused",
  },
  "URL syntax inside the host": {
    "evil.test/.allowed.test": "refused",
    "evil.test\\.allowed.test": "refused",
    "evil.test?.allowed.test": "refused",
    "evil.test#.allowed.test": "refused",
    "user@allowed.test": "refused",
    "evil.test,allowed.test": "refused",
    "evil.test;allowed.test": "refused",
    "*.allowed.test": "refused",
    "[allowed.test]": "refused",
    "allowed.test|evil.test": "refused",
    "$(id).test": "refused",
  },
  "IPv4 in other spellings": {
    "127.0.0.1": "ip 127.0.0.1",
    "2130706433": "refused",
    "0x7f000001": "refused",
    "0X7F.0.0.1": "refused",
    "017700000001": "refused",
    "0177.0.0.1": "refused",
    "127.000.000.001": "refused",
    "127.1": "refused",
    "127.0.1": "refused",
    "1.2.3.256": "refused",
    "1.2.3.4.5": "refused",
    "a.b.0x": "refused",
    "999": "refused",
    "169.254.169.0376": "refused",
    "１２７.0.0.1": "ip 127.0.0.1",
    "127。0。0。1": "ip 127.0.0.1",
    "１２７.1": "ip 127.0.0.1",
    "①②⑦.0.0.1": "ip 127.0.0.1",
  },
  IPv6: {
    "::1": "ip ::1",
    "0:0:0:0:0:0:0:1": "ip ::1",
    "::ffff:127.0.0.1": "ip 127.0.0.1",
    "::FFFF:7f00:1": "ip 127.0.0.1",
    "::ffff:0:127.0.0.1": "ip ::ffff:0:7f00:1",
    "64:ff9b::127.0.0.1": "ip 64:ff9b::7f00:1",
    "fe80::1%eth0": "refused",
    "fe80::1%25eth0": "refused",
    "::1%": "refused",
    "[::1]": "refused",
    "::127.1": "refused",
  },
  "international names": {
    "bücher.example": "name xn--bcher-kva.example",
    "BÜCHER.example": "name xn--bcher-kva.example",
    "xn--bcher-kva.example": "name xn--bcher-kva.example",
    "XN--BCHER-KVA.example": "name xn--bcher-kva.example",
    "bu\u0308cher.example": "name xn--bcher-kva.example",
    "ａｌｌｏｗｅｄ.test": "name allowed.test",
    "allowed。test": "name allowed.test",
    "al\u00adlowed.test": "name allowed.test",
    "аllowed.test": "name xn--llowed-2nf.test",
    "xn--a": "refused",
    "xn--": "refused",
    "a.xn--0.test": "refused",
    "evil\uff0ftest.allowed.test": "refused",
    "evil\uff05test": "refused",
    "℀.test": "refused",
    "\ud800.test": "refused",
    "\ufffd.test": "refused",
  },
  length: {
    [`${"a".repeat(63)}.test`]: `name ${"a".repeat(63)}.test`,
    [`${"a".repeat(64)}.test`]: "refused",
    [`${"a.".repeat(126)}a`]: `name ${"a.".repeat(126)}a`,
    [`${"a.".repeat(127)}a`]: "refused",
    ["a".repeat(100_000)]: "refused",
    ["ü".repeat(100_000)]: "refused",
  },
};

for (const [name, hosts] of Object.entries(TRICKS)) {
  test(name, () => {
    expect(Object.fromEntries(Object.keys(hosts).map((host) => [host, canonical(host)]))).toEqual(hosts);
  });
}

test("a refusal says why and never repeats the name", () => {
  expect(parseHost("secret\0")).toEqual({ kind: "refused", why: "has a character that no host name has" });
  expect(parseHost("017700000001")).toEqual({
    kind: "refused",
    why: "is a number but no dotted decimal address",
  });
});

describe("authority", () => {
  const read = (text: string) => {
    const found = parseAuthority(text);
    return found.kind === "refused" ? "refused" : `${found.host.text} ${found.port}`;
  };

  test("host, port and IPv6 in brackets", () => {
    const texts = ["a.test", "a.test:1", "A.test.:65535", "127.0.0.1:80", "[::1]", "[::ffff:10.0.0.1]:443"];
    expect(texts.map(read)).toEqual([
      "a.test undefined",
      "a.test 1",
      "a.test 65535",
      "127.0.0.1 80",
      "::1 undefined",
      "10.0.0.1 443",
    ]);
  });

  test("what is refused", () => {
    const texts = ["", ":80", "a.test:", "a.test:0", "a.test:65536", "a.test:080000", "a.test:8a", "a.test:-1"];
    texts.push("a.test:80:80", "::1", "::1:80", "[::1", "::1]", "[::1]x", "[::1]:", "[a.test]", "[127.0.0.1]");
    texts.push("[fe80::1%25lo]", "user@a.test", "user:pw@a.test", "a.test@evil.test", "a.test:80@evil.test");
    texts.push("a.test\\@evil.test", "a.test:８０", "[[::1]]", "a.test :80", "a.test: 80");
    expect(texts.filter((text) => read(text) !== "refused")).toEqual([]);
  });

  test("is written as a URL needs it", () => {
    const written = ["a.test:8", "[::1]:8", "[::1]"].map((text) => {
      const found = parseAuthority(text);
      return found.kind === "refused" ? "" : formatAuthority(found.host, found.port);
    });
    expect(written).toEqual(["a.test:8", "[::1]:8", "[::1]"]);
  });
});

describe("any text", () => {
  const anyText = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "grapheme" }),
    fc.domain(),
    fc.ipV4Extended(),
    fc.ipV6(),
    fc.stringMatching(/^[a-z0-9.:%xX\0 -]{1,24}$/),
    fc
      .array(fc.constantFrom("xn--", "ü", ".", "a", "1", "0x", "。", "１", "\u00ad", "-", "ß", "İ"), { maxLength: 8 })
      .map((parts) => parts.join("")),
  );

  test("is canonical or refused, and the canonical form stays as it is", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const host = parseHost(text);
        if (host.kind === "refused") return;
        expect(host.text).toMatch(/^[a-z0-9._:-]+$/);
        expect(parseHost(host.text)).toEqual(host);
      }),
      { numRuns: 3000 },
    );
  });

  test("that the URL standard takes for an IPv4 address is never a name", () => {
    fc.assert(
      fc.property(fc.oneof(anyText, fc.ipV4Extended()), (text) => {
        const host = parseHost(text);
        if (host.kind !== "name") return;
        expect(URL.parse(`http://${host.text}/`)?.hostname).toBe(host.text);
      }),
      { numRuns: 3000 },
    );
  });

  test("as an authority never throws", () => {
    fc.assert(
      fc.property(anyText, fc.string(), (text, more) => {
        parseAuthority(text + more);
        parseAuthority(`${text}:${more}`);
      }),
    );
  });
});
