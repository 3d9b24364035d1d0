/** Who children say they are; only the token is checked. */
const USER = "codex";

/** Programs that only know their own variables, besides those that read the common ones. */
const HTTP_VARIABLES = [
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "WS_PROXY",
  "WSS_PROXY",
  "NPM_CONFIG_PROXY",
  "NPM_CONFIG_HTTP_PROXY",
  "NPM_CONFIG_HTTPS_PROXY",
  "YARN_HTTP_PROXY",
  "YARN_HTTPS_PROXY",
  "BUNDLE_HTTP_PROXY",
  "BUNDLE_HTTPS_PROXY",
  "PIP_PROXY",
  "DOCKER_HTTP_PROXY",
  "DOCKER_HTTPS_PROXY",
];

/** Variables that programs read under their lower-case name as well, or only under it. */
const BOTH_CASES = new Set([
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "WS_PROXY",
  "WSS_PROXY",
  "NPM_CONFIG_PROXY",
  "NPM_CONFIG_HTTP_PROXY",
  "NPM_CONFIG_HTTPS_PROXY",
  "ALL_PROXY",
  "FTP_PROXY",
  "NO_PROXY",
]);

/** The sandbox's own loopback, which no proxy is needed for. */
const OWN_LOOPBACK = "localhost,127.0.0.1,::1";

export interface ProxyEnvironmentOptions {
  /** The port on 127.0.0.1 inside the sandbox; it serves HTTP and SOCKS5. */
  port: number;
  token: string;
  /** Whether SOCKS5 is on; then ALL_PROXY and FTP_PROXY name it. */
  socks: boolean;
  /** Whether loopback addresses are the sandbox's own, reached without the proxy. */
  allowLocalBinding: boolean;
}

/** The variables that lead programs inside the sandbox to the proxy on 127.0.0.1:port (one port serves HTTP and SOCKS5). */
export function proxyEnvironment(options: ProxyEnvironmentOptions): Record<string, string> {
  const address = `${USER}:${options.token}@127.0.0.1:${options.port}`;
  const http = `http://${address}`;
  const all = options.socks ? `socks5h://${address}` : http;
  const values: Record<string, string> = {
    ...Object.fromEntries(HTTP_VARIABLES.map((name) => [name, http])),
    ALL_PROXY: all,
    FTP_PROXY: all,
    NO_PROXY: options.allowLocalBinding ? OWN_LOOPBACK : "",
  };
  const lower = Object.entries(values)
    .filter(([name]) => BOTH_CASES.has(name))
    .map(([name, value]) => [name.toLowerCase(), value]);
  return {
    ...values,
    ...Object.fromEntries(lower),
    NODE_USE_ENV_PROXY: "1",
    CODEX_NETWORK_PROXY_ACTIVE: "1",
    CODEX_NETWORK_ALLOW_LOCAL_BINDING: options.allowLocalBinding ? "1" : "0",
  };
}
