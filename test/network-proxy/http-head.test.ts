import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { keepsAlive, requestFraming, responseFraming } from "#network-proxy/http-body.ts";
import {
  BadMessage,
  endToEnd,
  formatHead,
  headEnd,
  MAX_HEAD_BYTES,
  parseRequestHead,
  parseResponseHead,
} from "#network-proxy/http-head.ts";
import { parseTarget } from "#network-proxy/http-target.ts";
import { cpuMs } from "../support/cpu-ms.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");
const request = (first: string, ...fields: string[]) =>
  parseRequestHead(bytes(`${[first, ...fields].join("\r\n")}\r\n\r\n`));
const response = (first: string, ...fields: string[]) =>
  parseResponseHead(bytes(`${[first, ...fields].join("\r\n")}\r\n\r\n`));
const GET = "GET http://a.test/ HTTP/1.1";

/** The status a client would be answered with, or what was read. */
function outcome<T>(read: () => T): T | string {
  try {
    return read();
  } catch (error) {
    if (error instanceof BadMessage) return `${error.status} ${error.message}`;
    throw error;
  }
}

describe("where a head ends", () => {
  const end = (text: string) => outcome(() => headEnd(bytes(text)));

  test("after the first empty line", () => {
    expect(["", "GET", "GET /\r\n", "a\r\n\r", "a\r\n\r\n", "a\r\nb\r\n\r\nbody\nbody"].map(end)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      5,
      8,
    ]);
  });

  test("lines that end in anything but CR LF are refused", () => {
    const texts = ["a\n\n", "a\r\nb\n\r\n", "a\n", "\n", "a\r\n\n"];
    expect(texts.map(end)).toEqual(texts.map(() => "400 a line of the head does not end with CR LF"));
    expect(end("\r\na\r\n\r\n")).toBe("400 the message begins with an empty line");
  });

  test("at most 64 KiB", () => {
    expect(end("a".repeat(MAX_HEAD_BYTES))).toBeUndefined();
    expect(end("a".repeat(MAX_HEAD_BYTES + 1))).toBe("431 the head is longer than 65536 bytes");
    expect(end(`${"a".repeat(MAX_HEAD_BYTES - 4)}\r\n\r\n`)).toBe(MAX_HEAD_BYTES);
    expect(end(`${"a".repeat(MAX_HEAD_BYTES - 3)}\r\n\r\n`)).toBe("431 the head is longer than 65536 bytes");
    expect(end(`a\r\n\r\n${"b".repeat(2 * MAX_HEAD_BYTES)}`)).toBe(5);
  });

  test("however it is cut into pieces", () => {
    const text = bytes("GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\nrest");
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 6 }), (cuts) => {
        let searched = 0;
        let found: number | undefined;
        for (const cut of [...cuts.toSorted((a, b) => a - b), text.length]) {
          found ??= headEnd(text.subarray(0, cut), searched);
          searched = cut;
        }
        expect(found).toBe(text.length - 4);
      }),
    );
  });
});

describe("request", () => {
  test("line and fields", () => {
    expect(request("PoST http://a.test/?q HTTP/1.0", "Host: a.test", "X-Y:\t b\tc \t", "Empty:", "L: \xe9")).toEqual({
      method: "PoST",
      target: "http://a.test/?q",
      minor: 0,
      fields: [
        ["Host", "a.test"],
        ["X-Y", "b\tc"],
        ["Empty", ""],
        ["L", "\xe9"],
      ],
    });
  });

  test.each([
    ["GET  http://a.test/ HTTP/1.1"],
    ["GET http://a.test/  HTTP/1.1"],
    [" GET http://a.test/ HTTP/1.1"],
    ["GET http://a.test/ HTTP/1.1 "],
    ["GET http://a.test/"],
    ["GET http://a.test/ http/1.1"],
    ["GET\thttp://a.test/\tHTTP/1.1"],
    ["G@T http://a.test/ HTTP/1.1"],
    ["GET http://a.test/\x00 HTTP/1.1"],
    ["GET http://a.test/\x7f HTTP/1.1"],
    ["GET http://\xe4.test/ HTTP/1.1"],
    [""],
  ])("the request line %p is refused", (line) => {
    expect(outcome(() => request(line))).toBe("400 the request line is malformed");
  });

  test("other versions are refused", () => {
    const versions = ["0.9", "1.2", "2.0", "9.9"];
    expect(versions.map((version) => outcome(() => request(`GET http://a.test/ HTTP/${version}`)))).toEqual(
      versions.map(() => "505 the HTTP version is neither 1.0 nor 1.1"),
    );
  });

  test("obs-fold is refused", () => {
    const folded = "400 a header field is folded over several lines";
    expect(outcome(() => request(GET, "A: b", " c"))).toBe(folded);
    expect(outcome(() => request(GET, "\tA: b"))).toBe(folded);
  });

  test.each(["A : b", "A", ": b", "A B: c", "A\x00: b", "\xe9: b", "A\r: b", "(A): b"])(
    "the field %p is refused",
    (field) => {
      expect(outcome(() => request(GET, field))).toBe("400 a header field has no proper name");
    },
  );

  test.each(["A: b\x00", "A: b\rc", "A: \x1b[0m", "A: \x7f"])("the value of %p is refused", (field) => {
    expect(outcome(() => request(GET, field))).toBe("400 a header field has a control character");
  });

  test("more than a thousand lines are refused", () => {
    expect(outcome(() => request(GET, ...Array<string>(1000).fill("A: b")))).toBe(
      "431 the head has more than 1000 lines",
    );
  });
});

describe("smuggling", () => {
  const framing = (...fields: string[]) => outcome(() => requestFraming(request(GET, ...fields)));

  test("one length, or chunks, or nothing", () => {
    expect(framing()).toEqual({ kind: "none" });
    expect(framing("Content-Length: 0")).toEqual({ kind: "length", length: 0 });
    expect(framing("content-LENGTH:  17 ")).toEqual({ kind: "length", length: 17 });
    expect(framing("Transfer-Encoding: Chunked")).toEqual({ kind: "chunked" });
  });

  test("Transfer-Encoding together with Content-Length", () => {
    const both = "400 both Transfer-Encoding and Content-Length are given";
    expect(framing("Transfer-Encoding: chunked", "Content-Length: 5")).toBe(both);
    expect(framing("Content-Length: 5", "Transfer-Encoding: identity")).toBe(both);
    expect(framing("Content-Length: 5", "Transfer-Encoding:")).toBe(both);
  });

  test("Content-Length twice, even with one value", () => {
    expect(framing("Content-Length: 5", "Content-Length: 6")).toBe("400 Content-Length is given twice");
    expect(framing("Content-Length: 5", "content-length: 5")).toBe("400 Content-Length is given twice");
  });

  test.each(["5, 5", "+5", "-5", "0x5", "5a", "", "1e3", "9007199254740993", "5 5"])("Content-Length: %p", (value) => {
    expect(framing(`Content-Length: ${value}`)).toBe("400 Content-Length is not a number of bytes");
  });

  test.each(["identity", "gzip, chunked", "chunked, chunked", "chunked, identity", "xchunked", "\x0bchunked", ""])(
    "Transfer-Encoding: %p",
    (value) => {
      expect(String(framing(`Transfer-Encoding: ${value}`))).toMatch(/^(501 Transfer-Encoding is|400 a header field)/);
    },
  );

  test("Transfer-Encoding twice, and in HTTP/1.0", () => {
    expect(framing("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")).toStartWith("501 ");
    const old = request("POST http://a.test/ HTTP/1.0", "Transfer-Encoding: chunked");
    expect(outcome(() => requestFraming(old))).toBe("400 Transfer-Encoding is given in an HTTP/1.0 request");
  });

  test("of responses", () => {
    const of = (line: string, ...fields: string[]) => outcome(() => responseFraming(response(line, ...fields), "GET"));
    expect(of("HTTP/1.1 200 OK")).toEqual({ kind: "close" });
    expect(of("HTTP/1.1 200", "Content-Length: 5", "Content-Length: 5")).toEqual({ kind: "length", length: 5 });
    expect(of("HTTP/1.1 204 No Content", "Content-Length: 5")).toEqual({ kind: "none" });
    expect(of("HTTP/1.1 304 x", "Transfer-Encoding: chunked")).toEqual({ kind: "none" });
    expect(of("HTTP/1.1 200 OK", "Content-Length: 5", "Content-Length: 6")).toStartWith("400 ");
    expect(of("HTTP/1.1 200 OK", "Content-Length: 5", "Transfer-Encoding: chunked")).toStartWith("400 ");
    const head = response("HTTP/1.1 200 OK", "Content-Length: 5");
    expect(responseFraming(head, "HEAD")).toEqual({ kind: "none" });
  });
});

describe("target", () => {
  const target = (line: string, ...fields: string[]) =>
    outcome(() => {
      const { request: found, path } = parseTarget(request(line, ...fields));
      return `${found.protocol} ${found.host.text} ${found.port} ${path}`;
    });

  test("absolute URI and CONNECT", () => {
    expect(target("GET http://A.test./p?q HTTP/1.1", "Host: a.test")).toBe("http a.test 80 /p?q");
    expect(target("GET HTTP://a.test:8080 HTTP/1.1", "Host: a.test:8080")).toBe("http a.test 8080 /");
    expect(target("GET http://a.test?x=@b.test HTTP/1.1")).toBe("http a.test 80 /?x=@b.test");
    expect(target("GET http://[::1]:8/ HTTP/1.1", "Host: [0::1]:8")).toBe("http ::1 8 /");
    expect(target("OPTIONS http://a.test HTTP/1.1")).toBe("http a.test 80 *");
    expect(target("CONNECT a.test:443 HTTP/1.1", "Host: a.test:443")).toBe("https_connect a.test 443 ");
    expect(target("CONNECT a.test:443 HTTP/1.1", "Host: A.TEST", "Content-Length: 0")).toBe(
      "https_connect a.test 443 ",
    );
  });

  test.each([
    ["GET / HTTP/1.1", "400 the request target is"],
    ["OPTIONS * HTTP/1.1", "400 the request target is"],
    ["GET https://a.test/ HTTP/1.1", "400 the request target is"],
    ["GET ftp://a.test/ HTTP/1.1", "400 the request target is"],
    ["GET //a.test/ HTTP/1.1", "400 the request target is"],
    ["GET a.test:80 HTTP/1.1", "400 the request target is"],
    ["GET http://a.test/#f HTTP/1.1", "400 the request target is"],
    ["GET http:///p HTTP/1.1", "400 the host name is not host:port"],
    ["GET http://user@a.test/ HTTP/1.1", "400 the host name has a user name"],
    ["GET http://a.test:80@b.test/ HTTP/1.1", "400 the host name has a user name"],
    ["GET http://a.test\\@b.test/ HTTP/1.1", "400 the host name has a user name"],
    ["GET http://a%2etest/ HTTP/1.1", "400 the host name has a character"],
    ["GET http://0177.0.0.1/ HTTP/1.1", "400 the host name is a number"],
    ["GET http://[fe80::1%25lo]/ HTTP/1.1", "400 the host name is not an IPv6"],
    ["CONNECT a.test HTTP/1.1", "400 CONNECT has no port"],
    ["CONNECT http://a.test:443/ HTTP/1.1", "400 the host name is not host:port"],
    ["CONNECT a.test:443/ HTTP/1.1", "400 the host name is not host:port"],
    ["CONNECT user@a.test:443 HTTP/1.1", "400 the host name has a user name"],
    ["connect a.test:443 HTTP/1.1", "400 the request target is"],
  ])("%p is refused", (line, expected) => {
    expect(target(line)).toStartWith(expected);
  });

  test("a Host field that names another host is refused", () => {
    const differ = "400 the Host field and the request target name different hosts";
    for (const host of ["b.test", "a.test:81", "a.test:443", "127.0.0.1"]) {
      expect(target(GET, `Host: ${host}`)).toBe(differ);
    }
    expect(target("CONNECT a.test:443 HTTP/1.1", "Host: b.test:443")).toBe(differ);
    expect(target("CONNECT a.test:443 HTTP/1.1", "Host: a.test:80")).toBe(differ);
    expect(target(GET, "Host:")).toStartWith("400 the host name is not host:port");
    expect(target(GET, "Host: a.test@b.test")).toStartWith("400 the host name has a user name");
  });

  test("Host twice is refused, even with one value", () => {
    expect(target(GET, "Host: a.test", "Host: a.test")).toBe("400 Host is given twice");
  });

  test("CONNECT with a body is refused", () => {
    expect(target("CONNECT a.test:443 HTTP/1.1", "Content-Length: 5")).toBe("400 CONNECT has a body");
    expect(target("CONNECT a.test:443 HTTP/1.1", "Transfer-Encoding: chunked")).toBe("400 CONNECT has a body");
  });
});

test("fields of one connection and those Connection names are not passed on", () => {
  const head = request(
    GET,
    "Connection: close, X-Secret",
    "Proxy-Authorization: Basic abc",
    "PROXY-CONNECTION: keep-alive",
    "Upgrade: websocket",
    "TE: trailers",
    "Trailer: X",
    "Keep-Alive: timeout=5",
    "HTTP2-Settings: x",
    "x-secret: y",
    "Transfer-Encoding: chunked",
    "Accept: */*",
    "Cookie: a",
    "Cookie: b",
  );
  expect(endToEnd(head)).toEqual([
    ["Accept", "*/*"],
    ["Cookie", "a"],
    ["Cookie", "b"],
  ]);
});

test("which connections go on", () => {
  const keeps = (line: string, ...fields: string[]) => keepsAlive(request(line, ...fields));
  expect(keeps(GET)).toBe(true);
  expect(keeps(GET, "Connection: Close")).toBe(false);
  expect(keeps(GET, "Proxy-Connection: close")).toBe(false);
  expect(keeps("GET http://a.test/ HTTP/1.0")).toBe(false);
  expect(keeps("GET http://a.test/ HTTP/1.0", "Proxy-Connection: Keep-Alive")).toBe(true);
});

describe("any bytes", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "GET ",
      "CONNECT ",
      "http://",
      "a.test",
      ":443",
      " HTTP/1.1",
      "\r\n",
      "\r",
      "\n",
      "Host: ",
      "\0",
      " ",
      "\t",
    ),
    fc.constantFrom("Content-Length: 1", "Transfer-Encoding: chunked", "Connection: x", "@", "%00", "[::1]", ":"),
    fc.string({ unit: "binary-ascii", maxLength: 8 }),
  );
  const message = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((raw) => Buffer.from(raw)),
    fc.array(piece, { maxLength: 30 }).map((parts) => bytes(parts.join(""))),
    fc
      .array(piece, { maxLength: 12 })
      .map((parts) => bytes(`GET http://a.test/ HTTP/1.1\r\n${parts.join("")}\r\n\r\n`)),
  );

  test("are a request, or are refused; and a request is read again the same", () => {
    fc.assert(
      fc.property(message, (raw) => {
        const read = outcome(() => {
          const end = headEnd(raw);
          if (end === undefined) return "unfinished";
          const head = parseRequestHead(raw.subarray(0, end));
          const target = outcome(() => parseTarget(head));
          if (typeof target !== "string") expect(target.request.host.text).toMatch(/^[a-z0-9._:-]+$/);
          outcome(() => requestFraming(head));
          return head;
        });
        if (typeof read === "string") return;
        const again = formatHead(`${read.method} ${read.target} HTTP/1.${read.minor}`, read.fields);
        expect(headEnd(again)).toBe(again.length);
        expect(parseRequestHead(again)).toEqual(read);
      }),
      { numRuns: 3000 },
    );
  });

  test("are a response, or are refused", () => {
    fc.assert(
      fc.property(message, fc.nat(999), (raw, status) => {
        outcome(() => parseResponseHead(raw));
        outcome(() => parseResponseHead(Buffer.concat([bytes(`HTTP/1.1 ${status} `), raw, bytes("\r\n\r\n")])));
      }),
    );
  });
});

test("a field with a long gap is read in a moment", async () => {
  const raw = Buffer.from(`GET / HTTP/1.1\r\nx: \t a${" ".repeat(64_000)}b \t\r\n\r\n`);
  const spent = await cpuMs(() => {
    expect(parseRequestHead(raw).fields).toEqual([["x", `a${" ".repeat(64_000)}b`]]);
  });
  expect(spent).toBeLessThan(1_000);
});
