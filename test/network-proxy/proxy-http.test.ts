import { describe, expect, test } from "bun:test";
import { type Answered, cannedServer, parseAnswer, rawServer, testProxy } from "./support.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const LOCAL = { allowedDomains: ["127.0.0.1"] };

/** What matters of a refusal. */
function refusal(answer: Answered): unknown {
  return { code: answer.status, error: answer.headers["x-proxy-error"], ...JSON.parse(answer.body), message: "" };
}

describe("what is forwarded", () => {
  test("is written anew, without what belongs to the connection to the proxy", async () => {
    await using server = await cannedServer(OK);
    await using proxy = await testProxy(LOCAL);
    const answer = await proxy.ask(
      [
        `GET http://127.0.0.1:${server.port}/p?q=1 HTTP/1.1`,
        `Host: 127.0.0.1:${server.port}`,
        "Accept: */*",
        "Connection: close, X-Hop",
        "Proxy-Connection: keep-alive",
        "Upgrade: websocket",
        "X-Hop: gone",
        "Cookie: a=b",
        "\r\n",
      ].join("\r\n"),
    );
    expect(answer).toEqual({ status: 200, headers: { "content-length": "2", connection: "close" }, body: "ok" });
    expect(server.heads).toEqual([
      `GET /p?q=1 HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nAccept: */*\r\nCookie: a=b\r\nConnection: close\r\n\r\n`,
    ]);
  });

  test("the host is the canonical one of the target", async () => {
    await using server = await cannedServer(OK);
    await using proxy = await testProxy({ allowedDomains: ["localhost"] });
    await proxy.ask(`GET http://LOCALHOST.:${server.port}/ HTTP/1.1\r\nConnection: close\r\n\r\n`);
    expect(server.heads[0]).toStartWith(`GET / HTTP/1.1\r\nHost: localhost:${server.port}\r\n`);
  });

  test("bodies with a length and in chunks, both ways", async () => {
    await using proxy = await testProxy(LOCAL);
    await using server = await rawServer((socket) => {
      let text = "";
      socket.on("data", (chunk: Buffer) => {
        text += chunk.toString("latin1");
        const wanted = text.includes("ransfer-Encoding") ? "0\r\n\r\n" : "12345";
        if (text.endsWith(wanted)) {
          const body = JSON.stringify(text.slice(text.indexOf("\r\n\r\n") + 4));
          socket.end(
            `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)};x\r\n${body}\r\n0\r\nT: v\r\n\r\n`,
          );
        }
      });
    });
    const post = (...rest: string[]) =>
      proxy.ask([`POST http://127.0.0.1:${server.port}/ HTTP/1.1`, "Connection: close", ...rest].join("\r\n"));
    const chunk = (body: string) => {
      const json = JSON.stringify(body);
      return `${json.length.toString(16)}\r\n${json}\r\n0\r\n\r\n`;
    };
    expect((await post("Content-Length: 5", "", "12345")).body).toBe(chunk("12345"));
    const chunked = await post(
      "Transfer-Encoding: chunked",
      "",
      "3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\n",
    );
    expect(chunked.headers).toEqual({ "transfer-encoding": "chunked", connection: "close" });
    expect(chunked.body).toBe(chunk("5\r\nabcde\r\n0\r\n\r\n"));
  });

  test("an answer that ends with its connection, for clients that know chunks and for those that do not", async () => {
    await using server = await cannedServer("HTTP/1.0 200 OK\r\n\r\nhello");
    await using proxy = await testProxy(LOCAL);
    const ask = (version: string) =>
      proxy.ask(`GET http://127.0.0.1:${server.port}/ HTTP/${version}\r\nConnection: close\r\n\r\n`);
    expect((await ask("1.1")).body).toBe("5\r\nhello\r\n0\r\n\r\n");
    expect(await ask("1.0")).toEqual({ status: 200, headers: { connection: "close" }, body: "hello" });
  });

  test("HEAD keeps the length and has no body; interim answers come through", async () => {
    await using proxy = await testProxy(LOCAL);
    await using server = await cannedServer(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n",
    );
    const head = `HEAD http://127.0.0.1:${server.port}/ HTTP/1.1\r\nProxy-Authorization: ${proxy.basic}\r\n`;
    expect(await proxy.raw(`${head}Connection: close\r\n\r\n`)).toBe(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" +
        "HTTP/1.1 200 OK\r\nContent-Length: 500\r\nConnection: close\r\n\r\n",
    );
  });

  test("a client that ends its side after the request still gets its answer", async () => {
    await using server = await cannedServer(OK);
    await using proxy = await testProxy(LOCAL);
    const request = `GET http://127.0.0.1:${server.port}/ HTTP/1.1\r\nProxy-Authorization: ${proxy.basic}\r\n\r\n`;
    expect(parseAnswer(await proxy.raw(request, { end: true }))).toMatchObject({ status: 200, body: "ok" });
  });

  test("many requests on one connection, each judged anew", async () => {
    await using server = await cannedServer(OK);
    await using proxy = await testProxy(LOCAL);
    const get = (authority: string) =>
      `GET http://${authority}/ HTTP/1.1\r\nProxy-Authorization: ${proxy.basic}\r\n\r\n`;
    const here = `127.0.0.1:${server.port}`;
    const text = await proxy.raw(get(here) + get(here) + get("evil.test") + get(here));
    const answers = text.split("HTTP/1.1 ").slice(1);
    expect(answers.map((answer) => answer.slice(0, 3))).toEqual(["200", "200", "403"]);
    expect(server.heads.length).toBe(2);
    expect(proxy.blocked).toEqual([
      { host: "evil.test", port: 80, protocol: "http", method: "GET", reason: "not_allowed" },
    ]);
  });

  test("each request needs the token, also the second on a connection", async () => {
    await using server = await cannedServer(OK);
    await using proxy = await testProxy(LOCAL);
    const get = `GET http://127.0.0.1:${server.port}/ HTTP/1.1\r\n`;
    const text = await proxy.raw(`${get}Proxy-Authorization: ${proxy.basic}\r\n\r\n${get}\r\n`);
    expect(text.split("HTTP/1.1 ").map((answer) => answer.slice(0, 3))).toEqual(["", "200", "407"]);
    expect(server.heads.length).toBe(1);
  });

  test("a body that looks like a request is a body", async () => {
    await using proxy = await testProxy(LOCAL);
    await using server = await cannedServer(OK);
    const inner = `GET http://evil.test/ HTTP/1.1\r\nProxy-Authorization: ${proxy.basic}\r\n\r\n`;
    const answer = await proxy.ask(
      `POST http://127.0.0.1:${server.port}/ HTTP/1.1\r\nConnection: close\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
    );
    expect(answer.status).toBe(200);
    expect(proxy.blocked).toEqual([]);
  });
});

describe("what is refused", () => {
  test("is answered with the reason, as JSON and in a header", async () => {
    await using proxy = await testProxy({ allowedDomains: ["*.ok.test"], deniedDomains: ["no.ok.test"] });
    const get = async (url: string) => refusal(await proxy.ask(`GET ${url} HTTP/1.1\r\n\r\n`));
    const base = {
      code: 403,
      status: "blocked",
      decision: "deny",
      source: "baseline_policy",
      protocol: "http",
      port: 80,
      message: "",
    };
    expect(await get("http://evil.test/x")).toEqual({
      ...base,
      error: "blocked-by-allowlist",
      host: "evil.test",
      reason: "not_allowed",
    });
    expect(await get("http://NO.ok.test:81/")).toEqual({
      ...base,
      error: "blocked-by-denylist",
      host: "no.ok.test",
      port: 81,
      reason: "denied",
    });
    expect(await get("http://169.254.169.254/latest/meta-data")).toEqual({
      ...base,
      error: "blocked-by-allowlist",
      host: "169.254.169.254",
      reason: "not_allowed_local",
    });
    expect(proxy.blocked.map(({ host, reason }) => `${host} ${reason}`)).toEqual([
      "evil.test not_allowed",
      "no.ok.test denied",
      "169.254.169.254 not_allowed_local",
    ]);
  });

  test("by the mode, for methods and tunnels", async () => {
    await using proxy = await testProxy({ ...LOCAL, mode: "limited" });
    const ask = async (line: string) => refusal(await proxy.ask(`${line} HTTP/1.1\r\n\r\n`));
    const base = {
      code: 403,
      status: "blocked",
      host: "127.0.0.1",
      reason: "method_not_allowed",
      decision: "deny",
      message: "",
    };
    const mode = { ...base, error: "blocked-by-method-policy", source: "mode_guard" };
    expect(await ask("POST http://127.0.0.1:81/")).toEqual({ ...mode, protocol: "http", port: 81 });
    expect(await ask("CONNECT 127.0.0.1:443")).toEqual({ ...mode, protocol: "https_connect", port: 443 });
    await using server = await cannedServer(OK);
    expect((await proxy.ask(`GET http://127.0.0.1:${server.port}/ HTTP/1.1\r\nConnection: close\r\n\r\n`)).status).toBe(
      200,
    );
  });

  test("when it is meant for a Unix socket", async () => {
    await using server = await cannedServer(OK);
    await using proxy = await testProxy(LOCAL);
    const answer = await proxy.ask(
      `GET http://127.0.0.1:${server.port}/ HTTP/1.1\r\nX-Unix-Socket: /var/run/docker.sock\r\n\r\n`,
    );
    expect(refusal(answer)).toMatchObject({ status: "blocked", error: "blocked-by-policy", reason: "policy_denied" });
    expect([server.heads.length, proxy.blocked[0]?.reason]).toEqual([0, "policy_denied"]);
  });

  test("without the token, with a wrong one, and with two", async () => {
    await using proxy = await testProxy({ allowedDomains: ["*"] });
    const credentials = [
      "",
      "Proxy-Authorization: Basic\r\n",
      `Proxy-Authorization: Basic ${btoa("codex:")}\r\n`,
      `Proxy-Authorization: Basic ${btoa(`codex:${proxy.proxy.token.slice(1)}`)}\r\n`,
      `Proxy-Authorization: Basic ${btoa(`codex:${proxy.proxy.token}x`)}\r\n`,
      `Proxy-Authorization: Basic ${btoa(proxy.proxy.token)}\r\n`,
      `Proxy-Authorization: Bearer ${proxy.proxy.token}\r\n`,
      `Proxy-Authorization: ${proxy.basic}\r\nProxy-Authorization: ${proxy.basic}\r\n`,
      `Authorization: ${proxy.basic}\r\n`,
    ];
    for (const line of ["GET http://evil.test/", "CONNECT evil.test:443"]) {
      for (const credential of credentials) {
        const answer = parseAnswer(await proxy.raw(`${line} HTTP/1.1\r\n${credential}\r\n`));
        expect([answer.status, answer.headers["proxy-authenticate"]]).toEqual([407, 'Basic realm="codex"']);
      }
    }
    // Who has no token is told nothing about the policy, and causes no report.
    expect(proxy.blocked).toEqual([]);
  });

  test("every trick that is no proper request, before anything is connected", async () => {
    await using server = await cannedServer(OK);
    await using proxy = await testProxy({ allowedDomains: ["127.0.0.1", "*"] });
    const url = `http://127.0.0.1:${server.port}/`;
    const statuses: Record<string, number> = {};
    const requests: Record<string, string> = {
      "origin form": "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
      "Host of another": `GET ${url} HTTP/1.1\r\nHost: evil.test\r\n\r\n`,
      "Host twice": `GET ${url} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nHost: evil.test\r\n\r\n`,
      "CONNECT with another Host": "CONNECT 127.0.0.1:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n",
      "user information": `GET http://evil@127.0.0.1:${server.port}/ HTTP/1.1\r\n\r\n`,
      "octal address": `GET http://0177.0.0.1:${server.port}/ HTTP/1.1\r\n\r\n`,
      "hexadecimal address": `GET http://0x7f000001:${server.port}/ HTTP/1.1\r\n\r\n`,
      "decimal address": `GET http://2130706433:${server.port}/ HTTP/1.1\r\n\r\n`,
      "short address": `GET http://127.1:${server.port}/ HTTP/1.1\r\n\r\n`,
      "percent-encoding": `GET http://127.0.0.1%2f:${server.port}/ HTTP/1.1\r\n\r\n`,
      "NUL in the target": "GET http://127.0.0.1\0.evil.test/ HTTP/1.1\r\n\r\n",
      "IPv6 zone": "GET http://[fe80::1%25lo]/ HTTP/1.1\r\n\r\n",
      "length and chunks": `POST ${url} HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      "two lengths": `POST ${url} HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345`,
      "folded field": `GET ${url} HTTP/1.1\r\nA: b\r\n c\r\n\r\n`,
      "bare LF": `GET ${url} HTTP/1.1\nHost: x\n\n`,
      "https in the URI": "GET https://127.0.0.1/ HTTP/1.1\r\n\r\n",
      "another coding": `POST ${url} HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n`,
      "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      TLS: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    };
    for (const [name, request] of Object.entries(requests)) statuses[name] = (await proxy.ask(request)).status;
    const { "another coding": coding, "HTTP/2": version, ...others } = statuses;
    expect([coding, version]).toEqual([501, 505]);
    expect(others).toEqual(Object.fromEntries(Object.keys(others).map((name) => [name, 400])));
    expect(server.heads).toEqual([]);
  });

  test("a bad chunk ends the request, and nothing after it is one", async () => {
    await using proxy = await testProxy(LOCAL);
    let received = "";
    await using server = await rawServer((socket) => socket.on("data", (chunk) => (received += chunk.toString())));
    const answer = await proxy.ask(
      `POST http://127.0.0.1:${server.port}/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5\nhello\r\n0\r\n\r\nGET http://evil.test/ HTTP/1.1\r\n\r\n`,
    );
    expect(answer.status).toBe(400);
    expect(received).not.toContain("hello");
    expect(proxy.blocked).toEqual([]);
  });

  test("a head that is too long", async () => {
    await using proxy = await testProxy(LOCAL);
    expect((await proxy.ask(`GET http://127.0.0.1/ HTTP/1.1\r\nA: ${"x".repeat(70_000)}\r\n\r\n`)).status).toBe(431);
    expect((await proxy.ask(`GET http://127.0.0.1/${"x".repeat(70_000)}`)).status).toBe(431);
  });

  test("a name that leads to a private address, although it is listed", async () => {
    await using server = await cannedServer(OK);
    await using proxy = await testProxy(
      { allowedDomains: ["rebind.test"] },
      { resolve: async () => ["93.184.216.34", "127.0.0.1"] },
    );
    const answer = await proxy.ask(`GET http://rebind.test:${server.port}/ HTTP/1.1\r\n\r\n`);
    expect(refusal(answer)).toMatchObject({ error: "blocked-by-allowlist", reason: "not_allowed_local" });
    expect(server.heads).toEqual([]);
  });

  test("a name that leads elsewhere the second time it is asked for: the address that was judged is dialled", async () => {
    await using first = await cannedServer(OK);
    const asked: string[] = [];
    await using proxy = await testProxy(
      { allowedDomains: ["rebind.test"], allowLocalBinding: true },
      {
        resolve: async (name) => {
          asked.push(name);
          return asked.length === 1 ? ["127.0.0.1"] : ["169.254.169.254"];
        },
      },
    );
    const url = `http://rebind.test:${first.port}/`;
    expect((await proxy.ask(`GET ${url} HTTP/1.1\r\nConnection: close\r\n\r\n`)).status).toBe(200);
    expect(asked).toEqual(["rebind.test"]);
    expect(refusal(await proxy.ask(`GET ${url} HTTP/1.1\r\n\r\n`))).toMatchObject({ reason: "not_allowed_local" });
    expect(asked).toEqual(["rebind.test", "rebind.test"]);
    expect(first.heads.length).toBe(1);
  });
});

describe("servers that misbehave", () => {
  const ask = async (answer: string) => {
    await using server = await cannedServer(answer);
    await using proxy = await testProxy(LOCAL);
    return await proxy.ask(`GET http://127.0.0.1:${server.port}/ HTTP/1.1\r\n\r\n`);
  };

  test.each([
    ["nothing", ""],
    ["no HTTP", "hello\r\n\r\n"],
    ["half a head", "HTTP/1.1 200 OK\r\nA: b"],
    ["a change of protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"],
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok"],
    ["length and chunks", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["endless interim answers", "HTTP/1.1 102 Processing\r\n\r\n".repeat(50)],
    ["a folded field", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n"],
    ["an endless head", `HTTP/1.1 200 OK\r\nA: ${"x".repeat(100_000)}`],
  ])("%s is answered for them", async (_name, answer) => {
    const text = (await ask(answer)).body;
    const last = text.slice(text.lastIndexOf("{"));
    expect(JSON.parse(last)).toMatchObject({ status: "failed" });
  });

  test("a body that breaks off cannot be taken for a whole one", async () => {
    expect((await ask("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")).body).toBe("half");
    expect((await ask("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")).body).toBe(
      "5\r\nhello\r\n",
    );
  });

  test("nobody there, no such name", async () => {
    const unused = await cannedServer(OK);
    await unused.close();
    await using proxy = await testProxy(
      { allowedDomains: ["127.0.0.1", "gone.test"] },
      { resolve: () => Promise.reject(new Error("ENOTFOUND")) },
    );
    const refused = await proxy.ask(`GET http://127.0.0.1:${unused.port}/ HTTP/1.1\r\n\r\n`);
    expect([refused.status, refused.body]).toEqual([
      502,
      `{"status":"failed","message":"127.0.0.1:${unused.port} refused the connection"}`,
    ]);
    const missing = await proxy.ask("CONNECT gone.test:443 HTTP/1.1\r\n\r\n");
    expect([missing.status, missing.body]).toEqual([
      502,
      '{"status":"failed","message":"the name gone.test does not resolve"}',
    ]);
    expect(proxy.blocked).toEqual([]);
  });

  test("an answer before the request is complete", async () => {
    await using proxy = await testProxy(LOCAL);
    await using server = await rawServer((socket) => {
      socket.once("data", () => socket.end("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"));
      socket.resume();
    });
    const answer = await proxy.ask(
      `POST http://127.0.0.1:${server.port}/ HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n${"x".repeat(1000)}`,
    );
    expect([answer.status, answer.headers.connection]).toEqual([413, "close"]);
  });
});
