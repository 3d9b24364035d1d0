import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { connect } from "node:net";
import { collect, rawServer, testProxy } from "./support.ts";

const LOCAL = { allowedDomains: ["127.0.0.1"] };

describe("CONNECT", () => {
  test("carries bytes both ways, those sent with the request too, and each end by itself", async () => {
    await using proxy = await testProxy(LOCAL);
    await using server = await rawServer((socket) => {
      let text = "";
      socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
      socket.on("end", () => socket.end(`got ${text}`));
    });
    const text = await proxy.raw(
      `CONNECT 127.0.0.1:${server.port} HTTP/1.1\r\nProxy-Authorization: ${proxy.basic}\r\n\r\nearly`,
      { end: true },
    );
    expect(text).toBe("HTTP/1.1 200 Connection established\r\n\r\ngot early");
  });

  test("large amounts arrive whole in both directions at once", async () => {
    await using proxy = await testProxy(LOCAL);
    await using server = await rawServer((socket) => socket.pipe(socket));
    const data = Buffer.alloc(20_000_000, "0123456789abcdefghij!");
    const socket = connect({ path: proxy.proxy.socketPath, allowHalfOpen: true });
    const received = collect(socket);
    socket.write(`CONNECT 127.0.0.1:${server.port} HTTP/1.1\r\nProxy-Authorization: ${proxy.basic}\r\n\r\n`);
    socket.end(data);
    const echoed = (await received).subarray("HTTP/1.1 200 Connection established\r\n\r\n".length);
    expect(echoed.length).toBe(data.length);
    const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
    expect(hash(echoed)).toBe(hash(data));
  });

  test("a reset of the server is seen by the client", async () => {
    await using proxy = await testProxy(LOCAL);
    await using server = await rawServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
    const text = await proxy.raw(
      `CONNECT 127.0.0.1:${server.port} HTTP/1.1\r\nProxy-Authorization: ${proxy.basic}\r\n\r\nhello`,
    );
    expect(text).toBe("HTTP/1.1 200 Connection established\r\n\r\n");
  });
});

describe("SOCKS5", () => {
  /** Sends these steps, each after the answer to the one before, and gives every answer as numbers. */
  async function socks(path: string, steps: readonly Uint8Array[], sizes: readonly number[] = []): Promise<number[][]> {
    const socket = connect({ path, allowHalfOpen: true });
    const answers: number[][] = [];
    let buffered = Buffer.alloc(0);
    let over = false;
    let wake = () => {};
    const note = (chunk?: Buffer) => {
      if (chunk === undefined) over = true;
      else buffered = Buffer.concat([buffered, chunk]);
      wake();
    };
    socket.on("data", note);
    for (const event of ["end", "close", "error"]) socket.on(event, () => note());
    for (const [index, step] of steps.entries()) {
      socket.write(step);
      const size = sizes[index] ?? 2;
      while (buffered.length < size && !over) await new Promise<void>((resolve) => (wake = resolve));
      answers.push([...buffered.subarray(0, size)]);
      buffered = buffered.subarray(size);
      if (over) break;
    }
    socket.destroy();
    return answers;
  }

  const GREETING = Uint8Array.of(5, 2, 0, 2);
  const password = (token: string) => Uint8Array.of(1, 5, ...Buffer.from("codex"), token.length, ...Buffer.from(token));
  const toAddress = (port: number, command = 1) => Uint8Array.of(5, command, 0, 1, 127, 0, 0, 1, port >> 8, port & 255);
  const toName = (name: string, port = 80) =>
    Uint8Array.of(5, 1, 0, 3, Buffer.byteLength(name), ...Buffer.from(name), port >> 8, port & 255);

  test("connects to an allowed address and carries bytes both ways", async () => {
    await using proxy = await testProxy(LOCAL);
    await using server = await rawServer((socket) => socket.pipe(socket));
    const steps = [GREETING, password(proxy.proxy.token), toAddress(server.port), Buffer.from("hello")];
    expect(await socks(proxy.proxy.socketPath, steps, [2, 2, 10, 5])).toEqual([
      [5, 2],
      [1, 0],
      [5, 0, 0, 1, 0, 0, 0, 0, 0, 0],
      [...Buffer.from("hello")],
    ]);
  });

  test("everything sent at once, and byte by byte", async () => {
    await using proxy = await testProxy(LOCAL);
    await using server = await rawServer((socket) => socket.on("end", () => socket.end("bye")).resume());
    const bytes = Buffer.concat([GREETING, password(proxy.proxy.token), toAddress(server.port), Buffer.from("x")]);
    const expected = Buffer.from([5, 2, 1, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...Buffer.from("bye")]).toString("latin1");
    expect(await proxy.raw(bytes, { end: true })).toBe(expected);
    const socket = connect({ path: proxy.proxy.socketPath, allowHalfOpen: true });
    const received = collect(socket);
    for (const byte of bytes) {
      socket.write(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.end();
    expect((await received).toString("latin1")).toBe(expected);
  });

  test("the proper answer to everything that is not done", async () => {
    const dead = await rawServer(() => undefined);
    await dead.close();
    await using proxy = await testProxy(
      { allowedDomains: ["127.0.0.1", "gone.test", "rebind.test"] },
      {
        resolve: (name) =>
          name === "rebind.test" ? Promise.resolve(["127.0.0.1"]) : Promise.reject(new Error("ENOTFOUND")),
      },
    );
    const last = async (...steps: Uint8Array[]) => {
      const sizes = [2, 2, 10];
      return (await socks(proxy.proxy.socketPath, steps, sizes)).at(-1);
    };
    const token = password(proxy.proxy.token);
    const reply = async (request: Uint8Array) => (await last(GREETING, token, request))?.[1];
    expect({
      "no password offered": await last(Uint8Array.of(5, 1, 0)),
      "wrong password": await last(GREETING, password("x".repeat(64))),
      "empty password": await last(GREETING, password("")),
      "SOCKS4 after the greeting": await last(GREETING, token, Uint8Array.of(4, 1, 0, 80)),
    }).toEqual({
      "no password offered": [5, 255],
      "wrong password": [1, 1],
      "empty password": [1, 1],
      "SOCKS4 after the greeting": [],
    });
    expect({
      bind: await reply(toAddress(80, 2)),
      udp: await reply(toAddress(80, 3)),
      "unknown address type": await reply(Uint8Array.of(5, 1, 0, 9, 0)),
      "host not allowed": await reply(toName("evil.test")),
      "private address": await reply(Uint8Array.of(5, 1, 0, 1, 169, 254, 169, 254, 0, 80)),
      "mapped address": await reply(Uint8Array.of(5, 1, 0, 4, ...Array(10).fill(0), 255, 255, 10, 0, 0, 1, 0, 80)),
      "listed name with a private address": await reply(toName("rebind.test")),
      "NUL in the name": await reply(toName("evil.test\0.127.0.0.1")),
      "address in short form": await reply(toName("127.1")),
      "port 0": await reply(toAddress(0)),
      "name that does not resolve": await reply(toName("gone.test")),
      "nobody there": await reply(toAddress(dead.port)),
    }).toEqual({
      bind: 7,
      udp: 7,
      "unknown address type": 8,
      "host not allowed": 2,
      "private address": 2,
      "mapped address": 2,
      "listed name with a private address": 2,
      "NUL in the name": 2,
      "address in short form": 2,
      "port 0": 2,
      "name that does not resolve": 4,
      "nobody there": 5,
    });
    expect(proxy.blocked).toEqual([
      { host: "evil.test", port: 80, protocol: "socks5_tcp", method: undefined, reason: "not_allowed" },
      { host: "169.254.169.254", port: 80, protocol: "socks5_tcp", method: undefined, reason: "not_allowed_local" },
      { host: "10.0.0.1", port: 80, protocol: "socks5_tcp", method: undefined, reason: "not_allowed_local" },
      { host: "rebind.test", port: 80, protocol: "socks5_tcp", method: undefined, reason: "not_allowed_local" },
    ]);
  });

  test("is refused in limited mode and where it is switched off", async () => {
    await using limited = await testProxy({ ...LOCAL, mode: "limited" });
    const steps = [GREETING, password(limited.proxy.token), toAddress(80)];
    expect((await socks(limited.proxy.socketPath, steps, [2, 2, 10])).at(-1)?.[1]).toBe(2);
    expect(limited.blocked[0]?.reason).toBe("method_not_allowed");
    await using off = await testProxy({ ...LOCAL, enableSocks5: false });
    expect(await socks(off.proxy.socketPath, [GREETING])).toEqual([[5, 255]]);
  });
});
