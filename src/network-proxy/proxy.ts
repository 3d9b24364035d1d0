import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Socket } from "bun";
import type { NetworkSettings } from "#config/network-settings.ts";
import { type Env, environment } from "#lib/env.ts";
import { CodexError, messageOf } from "#lib/errors.ts";
import { randomHex } from "#lib/ids.ts";
import { relayLimit } from "#lib/relay-limit.ts";
import { FOLDER_PREFIX, removeAbandoned, SOCKET_NAME } from "./abandoned.ts";
import type { BlockedRequest } from "./blocked.ts";
import type { ProxyContext, ProxyLimits } from "./context.ts";
import { type Resolve, systemResolve } from "./dial.ts";
import { networkPolicy } from "./policy.ts";
import { serveHttp } from "./serve-http.ts";
import { serveSocks } from "./serve-socks.ts";
import { SOCKS_VERSION } from "./socks.ts";
import { upstreamProxies } from "./upstream-proxy.ts";
import { Wire, WireClosed, wireHandlers } from "./wire.ts";

export interface NetworkProxy {
  /**
   * Absolute path of the unix stream socket, in a private 0700 folder. A connection speaks HTTP proxy (absolute-URI
   * and CONNECT) or SOCKS5: told apart by the first byte (0x05 = SOCKS).
   */
  socketPath: string;
  /** What children authenticate with: 64 random hex digits, new for each proxy. */
  token: string;
  /** Ends the listener and every connection, and removes the socket and its folder. Safe to call twice. */
  close(): void;
}

export interface NetworkProxyOptions {
  /** Where the private folder is made; made itself when missing. */
  folder: string;
  /** Told of every refusal by the policy; the same one may come often. */
  onBlocked?: (blocked: BlockedRequest) => void;
  /** Told of a defect of the proxy's own, which ended one connection. */
  onFault?: (error: unknown) => void;
  /** The system's resolver unless given. */
  resolve?: Resolve;
  /** Where the upstream proxy is named; the process environment unless given. */
  env?: Env;
  limits?: Partial<ProxyLimits>;
}

const LIMITS: ProxyLimits = {
  handshakeMs: 30_000,
  idleMs: 90_000,
  halfClosedMs: 300_000,
  lingerMs: 2_000,
  connections: relayLimit(),
  resolveMs: 20_000,
  connectMs: 30_000,
};

/** `sun_path` of macOS without its final NUL. On Linux the runtime names a longer path by way of /proc/self/fd. */
const MAX_SOCKET_PATH = process.platform === "linux" ? Number.POSITIVE_INFINITY : 103;

/** Of all proxies of this process: they share its descriptors. */
let connectionsOfAll = 0;

/**
 * Listens at once (synchronous), and removes in the background what killed processes left in the folder. Throws a CodexError when a pattern or the upstream proxy's address makes no sense,
 * or the folder or socket cannot be made.
 */
export function startNetworkProxy(settings: NetworkSettings, options: NetworkProxyOptions): NetworkProxy {
  const context: ProxyContext = {
    policy: networkPolicy(settings),
    token: randomHex(64),
    socks: settings.enableSocks5,
    resolve: options.resolve ?? systemResolve,
    upstream: settings.allowUpstreamProxy ? upstreamProxies(options.env ?? environment()) : undefined,
    limits: { ...LIMITS, ...options.limits },
    report: (blocked) => options.onBlocked?.(blocked),
  };
  const clients = new Set<Wire>();
  const accept = (socket: Socket<Wire | undefined>) => {
    const client = new Wire(socket);
    socket.data = client;
    if (clients.size >= context.limits.connections || connectionsOfAll >= LIMITS.connections) return client.destroy();
    clients.add(client);
    connectionsOfAll += 1;
    serve(context, client)
      .catch((error: unknown) => options.onFault?.(error))
      .finally(() => {
        clients.delete(client);
        connectionsOfAll -= 1;
      });
  };
  const { socketPath, stop } = listen(options.folder, accept);
  void removeAbandoned(options.folder);
  return {
    socketPath,
    token: context.token,
    close: () => {
      stop();
      for (const client of clients) client.destroy();
    },
  };
}

/** One connection from its first byte to its end. Rejects only for a defect. */
async function serve(context: ProxyContext, client: Wire): Promise<void> {
  const gone = new AbortController();
  client.closed.then(() => gone.abort()).catch(() => undefined);
  client.setDeadline(context.limits.handshakeMs);
  try {
    const first = await client.read();
    if (first === undefined) return;
    client.unread(first);
    await (first[0] === SOCKS_VERSION ? serveSocks : serveHttp)(context, client, gone.signal);
  } catch (error) {
    if (!(error instanceof WireClosed)) throw error;
  } finally {
    client.destroy();
  }
}

function listen(
  parent: string,
  accept: (socket: Socket<Wire | undefined>) => void,
): { socketPath: string; stop: () => void } {
  let folder: string | undefined;
  try {
    mkdirSync(parent, { recursive: true, mode: 0o700 });
    folder = mkdtempSync(join(parent, FOLDER_PREFIX));
    const made = folder;
    const socketPath = join(made, SOCKET_NAME);
    if (Buffer.byteLength(socketPath) > MAX_SOCKET_PATH) {
      throw new Error(`"${socketPath}" is longer than the ${MAX_SOCKET_PATH} bytes a socket's path may have`);
    }
    const listener = Bun.listen<Wire | undefined>({
      unix: socketPath,
      allowHalfOpen: true,
      data: undefined,
      socket: wireHandlers(accept),
    });
    chmodSync(socketPath, 0o600);
    const stop = () => {
      listener.stop(true);
      rmSync(made, { recursive: true, force: true });
    };
    return { socketPath, stop };
  } catch (error) {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    throw new CodexError(
      "network_proxy_failed",
      `Cannot start the network proxy in "${parent}": ${messageOf(error)}. Make the folder writable, or set network.enabled to false`,
      { cause: error },
    );
  }
}
