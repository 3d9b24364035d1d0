import { describe, expect, test } from "bun:test";
import { CodexError } from "#lib/errors.ts";
import { assertProxySupported } from "#lib/http-proxy.ts";

function refusal(url: string, env: Record<string, string>): string | undefined {
  try {
    assertProxySupported(new URL(url), env);
    return undefined;
  } catch (error) {
    if (error instanceof CodexError) return error.message;
    throw error;
  }
}

const HTTPS = "https://api.example.com/v1";
const SOCKS = "socks5://127.0.0.1:1080";

describe("a SOCKS proxy is refused", () => {
  test.each(["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy"])("in %s", (name) => {
    const message = refusal(HTTPS, { [name]: SOCKS });
    expect(message).toContain(name);
    expect(message).toContain(`"${SOCKS}"`);
    expect(message).toContain("NO_PROXY");
  });

  test.each(["HTTP_PROXY", "http_proxy", "ALL_PROXY"])("in %s for a plain address", (name) => {
    expect(refusal("http://127.0.0.1:8080/v1", { [name]: SOCKS })).toContain(name);
  });

  test("of every kind, in any case, and without telling its password", () => {
    for (const kind of ["socks", "socks4", "socks4a", "socks5h", "SOCKS5", "ftp"]) {
      expect(refusal(HTTPS, { ALL_PROXY: `${kind}://h:1` })).toContain(`${kind.toLowerCase()} proxy`);
    }
    const message = refusal(HTTPS, { ALL_PROXY: "socks5://me:secret@h:1" });
    expect(message).toContain('"socks5://…@h:1"');
    expect(message).not.toContain("secret");
  });
});

describe("what is accepted", () => {
  test("no proxy, an http(s) one, one without a scheme, blanks", () => {
    expect(refusal(HTTPS, {})).toBeUndefined();
    for (const value of ["http://h:1", "HTTPS://h:1", "h:3128", "localhost:3128", "", "  "]) {
      expect(refusal(HTTPS, { ALL_PROXY: value })).toBeUndefined();
    }
  });

  test("a SOCKS proxy for the other scheme, or behind an http one of this scheme", () => {
    expect(refusal(HTTPS, { HTTP_PROXY: SOCKS })).toBeUndefined();
    expect(refusal("http://h/", { HTTPS_PROXY: SOCKS })).toBeUndefined();
    expect(refusal(HTTPS, { HTTPS_PROXY: "http://h:1", ALL_PROXY: SOCKS })).toBeUndefined();
  });
});

describe("NO_PROXY", () => {
  const excluded = (url: string, list: string) => refusal(url, { ALL_PROXY: SOCKS, NO_PROXY: list }) === undefined;

  test("names hosts, domains, ports, blocks, or everything", () => {
    expect(excluded(HTTPS, "api.example.com")).toBe(true);
    expect(excluded(HTTPS, "other.com, EXAMPLE.com")).toBe(true);
    expect(excluded(HTTPS, ".example.com")).toBe(true);
    expect(excluded(HTTPS, "*.example.com")).toBe(true);
    expect(excluded(HTTPS, "*")).toBe(true);
    expect(excluded(HTTPS, "api.example.com:443")).toBe(true);
    expect(excluded("http://127.0.0.1:8080/", "127.0.0.1:8080")).toBe(true);
    expect(excluded("http://127.9.9.9:8080/", "127.0.0.0/8")).toBe(true);
    expect(excluded("http://[::1]:8080/", "::1")).toBe(true);
    expect(excluded("http://[::1]:8080/", "[::1]")).toBe(true);
    expect(refusal(HTTPS, { ALL_PROXY: SOCKS, no_proxy: "example.com" })).toBeUndefined();
  });

  test("does not reach further", () => {
    expect(excluded(HTTPS, "")).toBe(false);
    expect(excluded(HTTPS, "ample.com")).toBe(false);
    expect(excluded(HTTPS, "api.example.com:80")).toBe(false);
    expect(excluded(HTTPS, "example.com.evil.org")).toBe(false);
    expect(excluded("http://128.0.0.1/", "127.0.0.0/8")).toBe(false);
    expect(excluded("http://127.0.0.1/", "127.0.0.0/99")).toBe(false);
    expect(excluded("http://127.0.0.1/", "::1")).toBe(false);
  });
});
