import { chownSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { RUN_AS_NETWORK_BRIDGE } from "#lib/self.ts";
import { proxyEnvironment } from "#network-proxy/environment.ts";
import { startNetworkProxy } from "#network-proxy/proxy.ts";
import type { ProxiedNetwork } from "#sandbox/sandbox.ts";
import type { Account } from "./support.ts";

/** A running proxy that the account's commands can be put behind. */
export interface TestProxy {
  network: ProxiedNetwork;
  socketPath: string;
  token: string;
  /** The host's process ids of bridges to this proxy. */
  bridges(): number[];
  close(): void;
}

/** Starts the real proxy with these hosts allowed, its socket the account's own as it is when Codex is started by it. */
export function startTestProxy(folder: string, account: Account, allowedDomains: readonly string[]): TestProxy {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const settings = {
    ...{ enabled: true, mode: "full" as const, allowedDomains, deniedDomains: [], allowLocalBinding: false },
    ...{ enableSocks5: true, allowUpstreamProxy: false },
  };
  const proxy = startNetworkProxy(settings, { folder });
  const { socketPath, token } = proxy;
  for (const path of [folder, dirname(socketPath), socketPath]) chownSync(path, account.uid, account.uid);
  const closed = new AbortController();
  const environment = (port: number) => proxyEnvironment({ port, token, socks: true, allowLocalBinding: false });
  return {
    network: { open: () => ({ socketPath, environment }), closed: closed.signal },
    ...{ socketPath, token },
    bridges: () => bridgesTo(socketPath),
    close: () => {
      closed.abort();
      proxy.close();
    },
  };
}

/** Every process whose command line is a bridge's, not that of the bubblewrap around it. */
function bridgesTo(socketPath: string): number[] {
  return readdirSync("/proc").flatMap((name) => {
    const argv = commandLine(name);
    const isBridge =
      argv.includes(RUN_AS_NETWORK_BRIDGE) && argv.includes(socketPath) && !argv.includes("--unshare-net");
    return isBridge ? [Number(name)] : [];
  });
}

function commandLine(name: string): string[] {
  if (!/^\d+$/.test(name)) return [];
  try {
    return readFileSync(join("/proc", name, "cmdline"), "utf8").split("\0");
  } catch {
    return [];
  }
}
