import { describe, expect, test } from "bun:test";
import type { Env } from "#lib/env.ts";
import { parseHost } from "#network-proxy/host.ts";
import { upstreamProxies } from "#network-proxy/upstream-proxy.ts";
import { cannedServer, rawServer, testProxy } from "./support.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const UPSTREAM = { allowedDomains: ["a.test", "127.0.0.1", "rebind.test"], allowUpstreamProxy: true };
const unresolved = () => Promise.reject(new Error("ENOTFOUND"));

describe("through the proxy our environment names", () => {
  test("requests go in absolute form, with that proxy's credentials and never with our token", async () => {
    await using upstream = await cannedServer(OK);
    const env = { HTTP_PROXY: `http://me:p%40ss@127.0.0.1:${upstream.port}` };
    await using proxy = await testProxy(UPSTREAM, { env, resolve: unresolved });
    const answer = await proxy.ask("GET http://A.test:8080/p?q HTTP/1.1\r\nConnection: close\r\n\r\n");
    expect(answer).toMatchObject({ status: 200, body: "ok" });
    expect(upstream.heads).toEqual([
      "GET http://a.test:8080/p?q HTTP/1.1\r\nHost: a.test:8080\r\n" +
        `Proxy-Authorization: Basic ${btoa("me:p@ss")}\r\nConnection: close\r\n\r\n`,
    ]);
  });

  test("tunnels and SOCKS go through CONNECT", async () => {
    const heads: string[] = [];
    await using upstream = await rawServer((socket) => {
      socket.once("data", (chunk: Buffer) => {
        heads.push(chunk.toString());
        socket.write("HTTP/1.1 200 fine\r\nX: y\r\n\r\nfirst ");
        socket.on("data", (more: Buffer) => socket.write(more));
        socket.on("end", () => socket.end());
      });
    });
    const env = { https_proxy: `127.0.0.1:${upstream.port}` };
    await using proxy = await testProxy(UPSTREAM, { env, resolve: unresolved });
    const text = await proxy.raw(`CONNECT a.test:443 HTTP/1.1\r\nProxy-Authorization: ${proxy.basic}\r\n\r\nhello`, {
      end: true,
    });
    expect(text).toBe("HTTP/1.1 200 Connection established\r\n\r\nfirst hello");
    const token = proxy.proxy.token;
    const handshake = `\x05\x01\x02\x01\x01x${String.fromCharCode(token.length)}${token}\x05\x01\x00\x03\x06a.test\x01\xbb`;
    const socks = await proxy.raw(Buffer.from(`${handshake}hi`, "latin1"), { end: true });
    expect(socks).toBe("\x05\x02\x01\x00\x05\x00\x00\x01\0\0\0\0\0\0first hi");
    expect(heads).toEqual(Array(2).fill("CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n"));
  });

  test("the policy comes first, and what resolves here to a private address is refused", async () => {
    await using upstream = await cannedServer(OK);
    const env = { ALL_PROXY: `http://127.0.0.1:${upstream.port}` };
    await using proxy = await testProxy(UPSTREAM, { env, resolve: async () => ["10.0.0.1"] });
    for (const url of ["http://evil.test/", "http://169.254.169.254/", "http://rebind.test/"]) {
      expect((await proxy.ask(`GET ${url} HTTP/1.1\r\n\r\n`)).status).toBe(403);
    }
    expect(upstream.heads).toEqual([]);
  });

  test("a listed local address is dialled directly", async () => {
    await using upstream = await cannedServer(OK);
    await using server = await cannedServer(OK);
    const env = { ALL_PROXY: `http://127.0.0.1:${upstream.port}` };
    await using proxy = await testProxy(UPSTREAM, { env });
    await proxy.ask(`GET http://127.0.0.1:${server.port}/ HTTP/1.1\r\nConnection: close\r\n\r\n`);
    expect([upstream.heads.length, server.heads.length]).toEqual([0, 1]);
  });

  test("its refusal is an answer, and so is its absence", async () => {
    await using upstream = await cannedServer("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    const env = { HTTPS_PROXY: `http://127.0.0.1:${upstream.port}` };
    await using proxy = await testProxy(UPSTREAM, { env, resolve: unresolved });
    const refused = await proxy.ask("CONNECT a.test:443 HTTP/1.1\r\n\r\n");
    expect([refused.status, refused.body]).toEqual([
      502,
      '{"status":"failed","message":"the upstream proxy refused a.test:443 (status 407)"}',
    ]);
    await upstream.close();
    const gone = await proxy.ask("CONNECT a.test:443 HTTP/1.1\r\n\r\n");
    expect([gone.status, gone.body]).toEqual([
      502,
      '{"status":"failed","message":"the upstream proxy cannot be reached"}',
    ]);
  });
});

test("without allow_upstream_proxy nothing goes there", async () => {
  await using upstream = await cannedServer(OK);
  await using proxy = await testProxy(
    { allowedDomains: ["a.test"] },
    { env: { HTTP_PROXY: `http://127.0.0.1:${upstream.port}` }, resolve: unresolved },
  );
  expect((await proxy.ask("GET http://a.test/ HTTP/1.1\r\n\r\n")).status).toBe(502);
  expect(upstream.heads).toEqual([]);
});

test("which proxy a destination has", () => {
  const find = (env: Env, host: string, port: number, protocol: "http" | "https_connect" = "http") => {
    const parsed = parseHost(host);
    if (parsed.kind === "refused") throw new Error(host);
    const found = upstreamProxies(env).find({ protocol, method: "GET", host: parsed, port });
    return found && `${found.hostname}:${found.port}`;
  };
  const env = {
    HTTP_PROXY: "http://plain.test",
    HTTPS_PROXY: "http://[fd00::1]:3128/",
    NO_PROXY: ".intern.test,[2600::1]",
  };
  expect(find(env, "a.test", 80)).toBe("plain.test:80");
  expect(find(env, "a.test", 443, "https_connect")).toBe("fd00::1:3128");
  expect(find(env, "x.intern.test", 80)).toBeUndefined();
  expect(find(env, "2600::1", 80)).toBeUndefined();
  expect(find({}, "a.test", 80)).toBeUndefined();
});

test.each([
  ["socks5://127.0.0.1:1080", "it is a socks5 proxy"],
  ["https://proxy.test", "it is a https proxy"],
  ["http://proxy.test:port", "its host is not host:port"],
  ["http://secret:word@0x7f.1:80", "its host is a number but no dotted decimal address"],
])("%p is refused at the start, without its credentials", (value, why) => {
  expect(() => upstreamProxies({ ALL_PROXY: value })).toThrow(
    `Cannot use the proxy that ALL_PROXY names for network.allow_upstream_proxy: ${why}, expected "http://host:port".`,
  );
});
