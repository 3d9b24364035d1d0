/** Who children say they are; only the token is checked. */
const USER = "codex";

/** What programs read an HTTP proxy's address from; those of one tool besides the common ones. */
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
const ALL_VARIABLES = ["ALL_PROXY", "FTP_PROXY"];
const NO_PROXY_VARIABLES = ["NO_PROXY", "NPM_CONFIG_NOPROXY", "BUNDLE_NO_PROXY"];

/** Only these are read in capitals alone. */
const CAPITALS_ONLY = /^(YARN|BUNDLE|PIP|DOCKER)_/;

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

/**
 * The variables that lead programs inside the sandbox to the proxy on 127.0.0.1:port (one port serves HTTP and
 * SOCKS5). The names are those Codex CLI 0.169 sets, without those of its own certificates.
 */
export function proxyEnvironment(options: ProxyEnvironmentOptions): Record<string, string> {
  const address = `${USER}:${options.token}@127.0.0.1:${options.port}`;
  const http = `http://${address}`;
  const all = options.socks ? `socks5h://${address}` : http;
  return {
    ...named(HTTP_VARIABLES, http),
    ...named(ALL_VARIABLES, all),
    ...named(NO_PROXY_VARIABLES, options.allowLocalBinding ? OWN_LOOPBACK : ""),
    NODE_USE_ENV_PROXY: "1",
    ELECTRON_GET_USE_PROXY: "true",
    CODEX_NETWORK_PROXY_ACTIVE: "1",
    CODEX_NETWORK_ALLOW_LOCAL_BINDING: options.allowLocalBinding ? "1" : "0",
  };
}

function named(names: readonly string[], value: string): Record<string, string> {
  const lower = names.filter((name) => !CAPITALS_ONLY.test(name)).map((name) => name.toLowerCase());
  return Object.fromEntries([...names, ...lower].map((name) => [name, value]));
}
