import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { NetworkSettings } from "#config/network-settings.ts";
import { CodexError, messageOf } from "#lib/errors.ts";
import { randomHex } from "#lib/ids.ts";
import type { BlockedRequest } from "./blocked.ts";

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
  onBlocked?: (blocked: BlockedRequest) => void;
}

/** Listens at once (synchronous). Throws a CodexError when the folder or socket cannot be made. */
export function startNetworkProxy(_settings: NetworkSettings, options: NetworkProxyOptions): NetworkProxy {
  try {
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    const folder = mkdtempSync(join(options.folder, "net-"));
    const socketPath = join(folder, "s");
    const listener = Bun.listen({
      unix: socketPath,
      socket: { open: (socket) => void socket.end(), data: () => undefined },
    });
    chmodSync(socketPath, 0o600);
    return {
      socketPath,
      token: randomHex(64),
      close: () => {
        listener.stop(true);
        rmSync(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    throw new CodexError(
      "network_proxy_failed",
      `Cannot start the network proxy in "${options.folder}": ${messageOf(error)}`,
    );
  }
}
