import { anything, flag, oneOf, optional, section, textList, withDefault } from "../kinds.ts";

const NO_LISTENER = "the proxy listens on no port outside the sandbox";

/** `[network]`: the allow-list proxy sandboxed commands reach the network through; see docs/network.md. */
export const NETWORK_FIELDS = {
  network: section(
    {
      enabled: withDefault(flag, false, "Sandboxed commands reach the network only through the allow-list"),
      mode: withDefault(
        oneOf(["full", "limited"]),
        "full",
        "limited: only GET, HEAD and OPTIONS of plain HTTP, no tunnels",
      ),
      allowed_domains: withDefault(
        textList,
        [],
        'Hosts that may be reached: "host", "*.host" (subdomains), "**.host" (it and subdomains), each with ":port" or not; empty: none',
      ),
      denied_domains: withDefault(textList, [], "Hosts that may not, written the same way; wins over allowed_domains"),
      allow_local_binding: withDefault(
        flag,
        false,
        "Allowed names may lead to loopback and private addresses; the sandbox's own loopback is reached directly",
      ),
      allow_unix_sockets: withDefault(textList, [], "Not supported: a warning, and no socket can be reached"),
      enable_socks5: withDefault(flag, false, "Speak SOCKS5 besides HTTP"),
      allow_upstream_proxy: withDefault(flag, false, "Go out through HTTP_PROXY and HTTPS_PROXY of our environment"),
      proxy_url: optional(anything, "Where the proxy listens", { unused: NO_LISTENER }),
      admin_url: optional(anything, "Where its admin API listens", { unused: "there is no admin API" }),
      socks_url: optional(anything, "Where SOCKS5 listens", { unused: NO_LISTENER }),
      enable_socks5_udp: optional(anything, "Relay UDP over SOCKS5", { unused: "UDP is never relayed" }),
      dangerously_allow_non_loopback_proxy: optional(anything, "Let proxy_url be reached from other machines", {
        unused: NO_LISTENER,
      }),
      dangerously_allow_non_loopback_admin: optional(anything, "The same for admin_url", {
        unused: "there is no admin API",
      }),
    },
    "Allow-list of what sandboxed commands may reach",
  ),
};
