import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { environment } from "#lib/env.ts";
import { proxyEnvironment } from "#network-proxy/environment.ts";
import { type TestProxy, testProxy } from "./support.ts";

const LOCAL = { allowedDomains: ["127.0.0.1"] };
const BIG = Buffer.alloc(3_000_000, "0123456789abcdef!");

/** Answers with what it was sent; `/big` with 3 MB, `/chunks` in pieces. */
function startServer() {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/big") return new Response(BIG);
      if (pathname === "/chunks") return new Response(pieces());
      const hash = createHash("sha256").update(await request.bytes());
      return Response.json({ method: request.method, pathname, body: hash.digest("hex") });
    },
  });
  const url = `http://127.0.0.1:${server.port}`;
  return { url, [Symbol.asyncDispose]: () => server.stop(true) };
}

function pieces(): ReadableStream {
  let count = 0;
  return new ReadableStream({
    async pull(controller) {
      await Bun.sleep(1);
      if (count++ === 20) controller.close();
      else controller.enqueue(Buffer.from(`piece ${count};`));
    },
  });
}

const hashOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** The environment of a sandboxed program, on the way this test's bridge takes. */
function sandboxed(proxy: TestProxy, socks: boolean): Record<string, string> {
  const { PATH = "/usr/bin:/bin" } = environment();
  return { PATH, ...proxyEnvironment({ port: proxy.port, token: proxy.proxy.token, socks, allowLocalBinding: false }) };
}

async function output(
  argv: string[],
  env: Record<string, string>,
): Promise<{ out: string; err: string; code: number }> {
  const child = Bun.spawn(argv, { env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { out, err, code: await child.exited };
}

const curl = Bun.which("curl");
if (curl === null) console.warn("curl is not installed: its test is not run");

test.if(curl !== null)(
  "curl: requests, keep-alive, uploads, tunnels and SOCKS, led by its environment alone",
  async () => {
    await using server = startServer();
    await using proxy = await testProxy(LOCAL);
    const run = (...args: string[]) => output(["curl", "-sS", "-m", "20", ...args], sandboxed(proxy, true));
    const answer = (pathname: string, method = "GET", body: Uint8Array = new Uint8Array()) =>
      JSON.stringify({ method, pathname, body: hashOf(body) });
    expect((await run(`${server.url}/a`, `${server.url}/b`)).out).toBe(answer("/a") + answer("/b"));
    const upload = ["-X", "PUT", "-H", "Transfer-Encoding: chunked", "--data-binary", "x".repeat(100_000)];
    const sent = Buffer.from("x".repeat(100_000));
    expect((await run(...upload, `${server.url}/up`)).out).toBe(answer("/up", "PUT", sent));
    expect((await run("-H", "Expect: 100-continue", "-d", "a=b", `${server.url}/p`)).out).toBe(
      answer("/p", "POST", Buffer.from("a=b")),
    );
    expect((await run("--proxytunnel", `${server.url}/tunnel`)).out).toBe(answer("/tunnel"));
    expect((await run("--noproxy", "", "-x", sandboxed(proxy, true).ALL_PROXY ?? "", `${server.url}/socks`)).out).toBe(
      answer("/socks"),
    );
    expect((await run("--anyauth", "--proxy-anyauth", `${server.url}/any`)).out).toBe(answer("/any"));
    expect((await run("-I", `${server.url}/big`)).out).toContain(`Content-Length: ${BIG.length}`);
    const refused = await run("https://evil.test/");
    expect([refused.code, refused.err]).toEqual([56, expect.stringContaining("403")]);
    expect(JSON.parse((await run("http://evil.test/")).out)).toMatchObject({ status: "blocked", host: "evil.test" });
  },
  30_000,
);

test("fetch of a Bun process, led by its environment alone", async () => {
  await using server = startServer();
  await using proxy = await testProxy(LOCAL);
  const code = `
    const big = await (await fetch("${server.url}/big")).bytes();
    const chunks = await (await fetch("${server.url}/chunks")).text();
    const refused = await fetch("http://evil.test/");
    const many = await Promise.all(Array.from({ length: 30 }, (_, n) => fetch("${server.url}/" + n).then((r) => r.json())));
    console.log(JSON.stringify([Bun.SHA256.hash(big, "hex"), chunks.length, refused.status, refused.headers.get("x-proxy-error"), many.map((m) => m.pathname).join("")]));`;
  const { out, err } = await output([process.execPath, "-e", code], sandboxed(proxy, false));
  expect(err).toBe("");
  expect(JSON.parse(out)).toEqual([
    hashOf(BIG),
    Array.from({ length: 20 }, (_, index) => `piece ${index + 1};`).join("").length,
    403,
    "blocked-by-allowlist",
    Array.from({ length: 30 }, (_, index) => `/${index}`).join(""),
  ]);
  expect(proxy.blocked).toEqual([
    { host: "evil.test", port: 80, protocol: "http", method: "GET", reason: "not_allowed" },
  ]);
}, 30_000);

test("node:http with the absolute URI as its path", async () => {
  await using server = startServer();
  await using proxy = await testProxy(LOCAL);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const headers = { "Proxy-Authorization": proxy.basic, Host: new URL(server.url).host };
  const request = httpRequest(
    { host: "127.0.0.1", port: proxy.port, method: "POST", path: `${server.url}/n`, headers },
    resolve,
  );
  request.on("error", reject);
  request.write("one ");
  request.end("two");
  const chunks: Buffer[] = [];
  for await (const chunk of await promise) chunks.push(chunk as Buffer);
  expect(JSON.parse(Buffer.concat(chunks).toString())).toEqual({
    method: "POST",
    pathname: "/n",
    body: hashOf(Buffer.from("one two")),
  });
});

const openssl = Bun.which("openssl");
if (openssl === null) console.warn("openssl is not installed: the test of TLS through a tunnel is not run");

test.if(openssl !== null)("TLS through a tunnel: the proxy sees none of it", async () => {
  const [cert, key] = await selfSigned();
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", tls: { cert, key }, fetch: () => new Response(BIG) });
  await using proxy = await testProxy(LOCAL);
  const options = { proxy: proxy.url, tls: { rejectUnauthorized: false } };
  const response = await fetch(`https://127.0.0.1:${server.port}/secret`, options);
  expect(hashOf(await response.bytes())).toBe(hashOf(BIG));
  expect(
    await fetch("https://evil.test/", options).then(
      (answer) => answer.status,
      () => "failed",
    ),
  ).not.toBe(200);
  expect(proxy.blocked).toEqual([
    { host: "evil.test", port: 443, protocol: "https_connect", method: "CONNECT", reason: "not_allowed" },
  ]);
  await server.stop(true);
});

async function selfSigned(): Promise<[cert: string, key: string]> {
  const folder = mkdtempSync(join(tmpdir(), "codex-net-tls-"));
  const [cert, key] = [join(folder, "cert"), join(folder, "key")];
  const argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const { code, err } = await output([...argv, "-subj", "/CN=127.0.0.1", "-keyout", key, "-out", cert], environment());
  try {
    if (code !== 0) throw new Error(err);
    return [readFileSync(cert, "utf8"), readFileSync(key, "utf8")];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
