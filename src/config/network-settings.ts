import type { Config } from "./schema.ts";

/** The `[network]` table: the allow-list sandboxed commands reach the network through; see docs/network.md. */
export interface NetworkSettings {
  /** True puts every sandboxed command behind the allow-list, whatever its policy says about the network. */
  enabled: boolean;
  /** "limited": GET, HEAD and OPTIONS over plain HTTP, and no tunnels. */
  mode: "full" | "limited";
  /** Patterns as written. They are checked when the proxy starts. */
  allowedDomains: readonly string[];
  /** Patterns as written; they win. */
  deniedDomains: readonly string[];
  /** Whether allowed names may lead to loopback and private addresses. */
  allowLocalBinding: boolean;
  enableSocks5: boolean;
  /** Whether to go out through the proxy that our own environment names. */
  allowUpstreamProxy: boolean;
}

/** What the configuration says about the network of sandboxed commands. Adds to `warnings` what is not honoured. */
export function networkSettings(config: Config, warnings: string[]): NetworkSettings {
  const { network } = config;
  if (network.enabled && network.allow_unix_sockets.length > 0) {
    warnings.push(
      "network.allow_unix_sockets is not supported; sandboxed commands can reach no Unix socket of this machine",
    );
  }
  return {
    enabled: network.enabled,
    mode: network.mode,
    allowedDomains: network.allowed_domains,
    deniedDomains: network.denied_domains,
    allowLocalBinding: network.allow_local_binding,
    enableSocks5: network.enable_socks5,
    allowUpstreamProxy: network.allow_upstream_proxy,
  };
}
