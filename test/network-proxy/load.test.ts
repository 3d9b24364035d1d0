import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";
import { cannedServer, collect, rawServer, type TestProxy, testProxy } from "./support.ts";

const LOCAL = { allowedDomains: ["127.0.0.1"] };
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

const connectRequest = (proxy: TestProxy, port: number) =>
  `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nProxy-Authorization: ${proxy.basic}\r\n\r\n`;

/** A tunnel to the port, as soon as the proxy says that it stands. */
async function openTunnel(proxy: TestProxy, port: number): Promise<Socket> {
  const socket = connect({ path: proxy.proxy.socketPath, allowHalfOpen: true });
  socket.on("error", () => undefined);
  socket.write(connectRequest(proxy, port));
  await new Promise((resolve) => socket.once("data", resolve));
  return socket;
}

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 10) {
    if (waited > 20_000) throw new Error("it did not happen within 20 s");
    await Bun.sleep(10);
  }
}

test("200 connections at once, tunnels and requests, each with its own bytes", async () => {
  await using proxy = await testProxy(LOCAL);
  await using echo = await rawServer((socket) => socket.pipe(socket));
  await using server = await cannedServer(OK);
  const tunnels = Array.from({ length: 100 }, async (_, index) => {
    const socket = await openTunnel(proxy, echo.port);
    const received = collect(socket);
    const data = Buffer.alloc(100_000, `tunnel ${index} `);
    socket.end(data);
    const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
    return hash(await received) === hash(data);
  });
  const requests = Array.from({ length: 100 }, async () => {
    const answer = await proxy.ask(`GET http://127.0.0.1:${server.port}/ HTTP/1.1\r\nConnection: close\r\n\r\n`);
    return answer.status === 200 && answer.body === "ok";
  });
  expect(await Promise.all([...tunnels, ...requests])).toEqual(Array(200).fill(true));
});

test("a reader that does not read stops the writer, in both directions, and loses nothing", async () => {
  await using proxy = await testProxy(LOCAL);
  const total = 64_000_000;
  const piece = Buffer.alloc(64_000, "slow reader ");
  let written = 0;
  const flood = (socket: Socket) => {
    while (written < total) {
      written += piece.length;
      if (!socket.write(piece)) {
        socket.once("drain", () => flood(socket));
        return;
      }
    }
    socket.end();
  };
  const settled = async () => {
    let before = -1;
    while (before !== written) {
      before = written;
      await Bun.sleep(150);
    }
    return written;
  };
  await using server = await rawServer((socket) => socket.once("data", () => flood(socket)));
  const down = await openTunnel(proxy, server.port);
  down.pause();
  down.write("go");
  // Kernel buffers of two connections and ours: a few MB. Without back-pressure it would be all 64.
  expect(await settled()).toBeLessThan(total / 2);
  let received = 0;
  down.on("data", (chunk: Buffer) => (received += chunk.length));
  down.resume();
  await new Promise((resolve) => down.once("end", resolve));
  expect(received).toBe(total);
  down.destroy();

  written = 0;
  let sink: Socket | undefined;
  await using deaf = await rawServer((socket) => {
    sink = socket.pause();
  });
  const up = await openTunnel(proxy, deaf.port);
  flood(up);
  expect(await settled()).toBeLessThan(total / 2);
  let arrived = 0;
  sink?.on("data", (chunk: Buffer) => (arrived += chunk.length)).resume();
  await until(() => arrived === total);
  up.destroy();
}, 60_000);

test("a client that dies takes its connection to the server with it", async () => {
  await using proxy = await testProxy(LOCAL);
  let open = 0;
  let asked = 0;
  await using server = await rawServer((socket) => {
    open += 1;
    socket.on("close", () => (open -= 1));
    socket.on("end", () => socket.end());
    socket.on("data", () => (asked += 1));
  });
  const code = `
    const net = require("node:net");
    const send = (text) => net.connect({ path: ${JSON.stringify(proxy.proxy.socketPath)} }).write(text);
    send(${JSON.stringify(`${connectRequest(proxy, server.port)}hello`)});
    send(${JSON.stringify(`GET http://127.0.0.1:${server.port}/ HTTP/1.1\r\nProxy-Authorization: ${proxy.basic}\r\n\r\n`)});
    setInterval(() => undefined, 1000);`;
  const child = Bun.spawn([process.execPath, "-e", code], { stdio: ["ignore", "ignore", "ignore"] });
  await until(() => open === 2 && asked === 2);
  child.kill("SIGKILL");
  await until(() => open === 0);
});

test("a client that dies while its server does not read", async () => {
  await using proxy = await testProxy(LOCAL);
  let gone = 0;
  let sink: Socket | undefined;
  await using server = await rawServer((socket) => {
    sink = socket.pause();
    socket.on("close", () => (gone += 1));
  });
  const socket = await openTunnel(proxy, server.port);
  socket.write(Buffer.alloc(20_000_000));
  await Bun.sleep(100);
  socket.destroy();
  sink?.resume();
  sink?.on("end", () => sink?.end());
  await until(() => gone === 1);
});

test("who says nothing in time is cut off, and so is who is too slow with it", async () => {
  await using proxy = await testProxy(LOCAL, { limits: { handshakeMs: 100 } });
  expect(await proxy.raw("")).toBe("");
  expect(await proxy.raw("GET http://127.0.0.1/ HTTP/1.1\r\n")).toBe("");
  expect(await proxy.raw(Uint8Array.of(5, 1))).toBe("");
  expect(await proxy.raw(Uint8Array.of(5, 1, 2))).toBe("\x05\x02");
});

test("an idle connection is cut off between requests, a slow answer is not", async () => {
  await using proxy = await testProxy(LOCAL, { limits: { handshakeMs: 200, idleMs: 100 } });
  await using server = await rawServer((socket) => {
    socket.once("data", () => void setTimeout(() => socket.end(OK), 600));
  });
  const request = `GET http://127.0.0.1:${server.port}/ HTTP/1.1\r\nProxy-Authorization: ${proxy.basic}\r\n\r\n`;
  expect(await proxy.raw(request)).toEndWith("Connection: keep-alive\r\n\r\nok");
});

test("half-closed and silent is cut off, half-closed and busy is not", async () => {
  await using proxy = await testProxy(LOCAL, { limits: { halfClosedMs: 300 } });
  await using silent = await rawServer(() => undefined);
  expect(await proxy.raw(connectRequest(proxy, silent.port), { end: true })).toContain(" 200 ");
  await using busy = await rawServer((socket) => {
    socket.on("end", async () => {
      for (let count = 0; count < 10; count++) {
        socket.write(".");
        await Bun.sleep(100);
      }
      socket.end("done");
    });
  });
  expect(await proxy.raw(connectRequest(proxy, busy.port), { end: true })).toEndWith("..........done");
});

test("connections over the limit are closed, and the place of one that ends is free again", async () => {
  await using proxy = await testProxy(LOCAL, { limits: { connections: 3 } });
  await using echo = await rawServer((socket) => socket.pipe(socket));
  const open = await Promise.all([1, 2, 3].map(() => openTunnel(proxy, echo.port)));
  expect(await proxy.raw("GET / HTTP/1.1\r\n\r\n")).toBe("");
  open[0]?.destroy();
  await until(() => open[0]?.destroyed === true);
  let text = "";
  for (let attempt = 0; attempt < 200 && text === ""; attempt++) {
    text = await proxy.raw("GET / HTTP/1.1\r\n\r\n");
    await Bun.sleep(5);
  }
  expect(text).toStartWith("HTTP/1.1 407 ");
  for (const socket of open) socket.destroy();
});

test("random bytes by the thousand leave it standing", async () => {
  await using proxy = await testProxy(LOCAL, { limits: { handshakeMs: 2000, lingerMs: 50 } });
  const starts = [
    "",
    "\x05",
    "\x05\x01\x02\x01",
    "GET ",
    "CONNECT 127.0.0.1:1 HTTP/1.1\r\n",
    "GET http://127.0.0.1/ HTTP/1.1\r\n",
  ];
  for (let round = 0; round < 20; round++) {
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => {
        const noise = createHash("sha512").update(`${round} ${index}`).digest();
        const start = Buffer.from(starts[index % starts.length] ?? "", "latin1");
        return proxy.raw(Buffer.concat([start, noise, Buffer.from("\r\n\r\n")]), { end: true });
      }),
    );
  }
  await using server = await cannedServer(OK);
  const answer = await proxy.ask(`GET http://127.0.0.1:${server.port}/ HTTP/1.1\r\nConnection: close\r\n\r\n`);
  expect(answer.status).toBe(200);
});

/** Settles when writing to the socket fails because nobody holds its other end any more. */
async function untilNobodyListens(socket: Socket): Promise<void> {
  let gone = false;
  for (const event of ["error", "close"]) socket.on(event, () => (gone = true));
  await until(() => {
    if (!gone) socket.write("x");
    return gone;
  });
}

test("who is refused may read why, but keeps no connection", async () => {
  await using proxy = await testProxy(LOCAL, { limits: { lingerMs: 100 } });
  const socket = connect({ path: proxy.proxy.socketPath, allowHalfOpen: true });
  const received = collect(socket);
  socket.write("nonsense\r\n\r\n");
  expect((await received).toString()).toStartWith("HTTP/1.1 400 ");
  await untilNobodyListens(socket);
});

test("a server that is gone lets go of a client that says nothing more", async () => {
  await using proxy = await testProxy(LOCAL, { limits: { connections: 1 } });
  let theirs: Socket | undefined;
  await using server = await rawServer((socket) => {
    theirs = socket;
    socket.once("data", () => socket.end("bye"));
  });
  const socket = await openTunnel(proxy, server.port);
  const received = collect(socket);
  socket.write("hello");
  expect((await received).toString()).toBe("bye");
  expect(await proxy.raw("GET / HTTP/1.1\r\n\r\n")).toBe("");
  theirs?.resetAndDestroy();
  let text = "";
  for (let attempt = 0; attempt < 200 && text === ""; attempt++) {
    await Bun.sleep(10);
    text = await proxy.raw("GET / HTTP/1.1\r\n\r\n");
  }
  expect(text).toStartWith("HTTP/1.1 407 ");
  socket.destroy();
});
