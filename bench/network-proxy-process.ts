import { connect, createServer, type Socket } from "node:net";

/**
 * The far ends of network-proxy.ts, in processes of their own so that they share no thread with the proxy. `serve`
 * prints the port it listens on: a connection that sends "N\n" gets N bytes back. `client PORT SOCKET TOKEN ROUNDS
 * BYTES` asks in turn directly and through the proxy and prints the times as JSON, in milliseconds.
 */
const PIECE = Buffer.alloc(65_536, "x");

function serve(): void {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (line: Buffer) => send(socket, Number(line.toString())));
  });
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    if (address !== null && typeof address === "object") process.stdout.write(`${address.port}\n`);
  });
}

function send(socket: Socket, bytes: number): void {
  let left = bytes;
  const more = () => {
    while (left > 0) {
      const piece = PIECE.subarray(0, Math.min(left, PIECE.length));
      left -= piece.length;
      if (!socket.write(piece)) return void socket.once("drain", more);
    }
  };
  more();
}

interface Way {
  open(): Promise<Socket>;
}

async function directTo(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await new Promise((resolve) => socket.once("connect", resolve));
  return socket;
}

async function tunnelTo(port: number, path: string, token: string): Promise<Socket> {
  const socket = connect({ path });
  const credential = `Proxy-Authorization: Basic ${btoa(`codex:${token}`)}`;
  socket.write(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\n${credential}\r\n\r\n`);
  const answer = await new Promise<Buffer>((resolve) => socket.once("data", resolve));
  if (!answer.toString().startsWith("HTTP/1.1 200 ")) throw new Error(answer.toString());
  return socket;
}

async function fetchBytes(socket: Socket, bytes: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let received = 0;
  const count = (chunk: Buffer) => {
    received += chunk.length;
    if (received === bytes) resolve();
  };
  socket.on("data", count);
  socket.write(`${bytes}\n`);
  await promise;
  socket.off("data", count);
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await action();
  return performance.now() - started;
}

async function measure(way: Way, bytes: number): Promise<{ open: number; roundTrip: number; bulk: number }> {
  let socket: Socket | undefined;
  const open = await timed(async () => {
    socket = await way.open();
    await fetchBytes(socket, 1);
  });
  if (socket === undefined) throw new Error("no connection");
  const connected = socket;
  const roundTrip = await timed(() => fetchBytes(connected, 100));
  const bulk = await timed(() => fetchBytes(connected, bytes));
  connected.destroy();
  return { open, roundTrip, bulk };
}

async function client([port, path, token, rounds, bytes]: readonly string[]): Promise<void> {
  const ways: Record<string, Way> = {
    direct: { open: () => directTo(Number(port)) },
    proxy: { open: () => tunnelTo(Number(port), path ?? "", token ?? "") },
  };
  const results: Record<string, unknown[]> = { direct: [], proxy: [] };
  // One round for nothing: the first of everything is slower.
  for (let round = -1; round < Number(rounds); round++) {
    for (const [name, way] of Object.entries(ways)) {
      const result = await measure(way, Number(bytes));
      if (round >= 0) results[name]?.push(result);
    }
  }
  process.stdout.write(JSON.stringify(results));
}

const [mode, ...rest] = process.argv.slice(2);
if (mode === "serve") serve();
else await client(rest);
