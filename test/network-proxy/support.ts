import { mkdtempSync, rmSync } from "node:fs";
import { createServer, connect as netConnect, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NetworkSettings } from "#config/network-settings.ts";
import type { BlockedRequest } from "#network-proxy/blocked.ts";
import { type NetworkProxy, type NetworkProxyOptions, startNetworkProxy } from "#network-proxy/proxy.ts";

export function networkSettings(changes: Partial<NetworkSettings> = {}): NetworkSettings {
  return {
    enabled: true,
    mode: "full",
    allowedDomains: [],
    deniedDomains: [],
    allowLocalBinding: false,
    enableSocks5: true,
    allowUpstreamProxy: false,
    ...changes,
  };
}

/** A proxy with a TCP port in front of it, as the sandbox's bridge makes one. */
export interface TestProxy extends AsyncDisposable {
  proxy: NetworkProxy;
  port: number;
  /** For programs: `http://codex:TOKEN@127.0.0.1:PORT`. */
  url: string;
  blocked: BlockedRequest[];
  /** Defects the proxy reported; a test ends with none. */
  faults: unknown[];
  /** Value of Proxy-Authorization. */
  basic: string;
  /** Sends these bytes on a connection of its own, and takes everything that comes until it ends. */
  raw(bytes: string | Uint8Array, options?: { end?: boolean }): Promise<string>;
  /** The first line and headers of `raw`'s answer to a request with the token in it. */
  ask(request: string): Promise<Answered>;
}

export interface Answered {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export async function testProxy(
  settings: Partial<NetworkSettings> = {},
  options: Partial<NetworkProxyOptions> = {},
): Promise<TestProxy> {
  const folder = mkdtempSync(join(tmpdir(), "codex-net-test-"));
  const blocked: BlockedRequest[] = [];
  const faults: unknown[] = [];
  const proxy = startNetworkProxy(networkSettings(settings), {
    folder,
    onBlocked: (request) => blocked.push(request),
    onFault: (error) => faults.push(error),
    env: {},
    ...options,
  });
  const bridge = await listening(bridgeTo(proxy.socketPath));
  const basic = `Basic ${btoa(`codex:${proxy.token}`)}`;
  const raw: TestProxy["raw"] = async (bytes, { end = false } = {}) => {
    const socket = netConnect({ path: proxy.socketPath, allowHalfOpen: true });
    const received = collect(socket);
    if (end) socket.end(bytes);
    else socket.write(bytes);
    const text = (await received).toString("latin1");
    socket.destroy();
    return text;
  };
  return {
    proxy,
    port: bridge.port,
    url: `http://codex:${proxy.token}@127.0.0.1:${bridge.port}`,
    blocked,
    faults,
    basic,
    raw,
    ask: async (request) => {
      const [line = "", ...rest] = request.split("\r\n");
      return parseAnswer(await raw([line, `Proxy-Authorization: ${basic}`, ...rest].join("\r\n")));
    },
    async [Symbol.asyncDispose]() {
      await bridge.close();
      proxy.close();
      rmSync(folder, { recursive: true, force: true });
      if (faults.length > 0) throw new Error("the proxy reported defects", { cause: faults });
    },
  };
}

/** Everything a socket receives until its other side ends or it is reset. */
export async function collect(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("end", resolve);
  socket.on("close", () => resolve());
  socket.on("error", () => resolve());
  await promise;
  return Buffer.concat(chunks);
}

export function parseAnswer(text: string): Answered {
  const end = text.indexOf("\r\n\r\n");
  const [line = "", ...fields] = text.slice(0, end).split("\r\n");
  const headers: Record<string, string> = {};
  for (const field of fields) {
    const colon = field.indexOf(":");
    headers[field.slice(0, colon).toLowerCase()] = field.slice(colon + 1).trim();
  }
  return { status: Number(line.split(" ")[1]), headers, body: text.slice(end + 4) };
}

export interface Listening extends AsyncDisposable {
  port: number;
  close(): Promise<void>;
}

/** A server on 127.0.0.1 with all its connections in view, so that closing it is final. */
async function listening(server: Server): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port: address.port, close, [Symbol.asyncDispose]: close };
}

/** A raw TCP server on 127.0.0.1 that keeps what each connection sent. */
export async function rawServer(onConnection: (socket: Socket) => void): Promise<Listening> {
  return await listening(createServer({ allowHalfOpen: true }, onConnection));
}

/** A server that answers every request head with this and closes; `heads` is what it was sent. */
export async function cannedServer(answer: string): Promise<Listening & { heads: string[] }> {
  const heads: string[] = [];
  const server = await rawServer((socket) => {
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      if (!text.includes("\r\n\r\n")) return;
      heads.push(text);
      socket.end(answer, "latin1");
      text = "";
    });
  });
  return { ...server, heads };
}

function bridgeTo(path: string): Server {
  return createServer({ allowHalfOpen: true }, (outer) => {
    const inner = netConnect({ path, allowHalfOpen: true });
    outer.pipe(inner);
    inner.pipe(outer);
    const end = () => {
      outer.destroy();
      inner.destroy();
    };
    inner.on("error", end);
    outer.on("error", end);
    inner.on("close", end);
  });
}
