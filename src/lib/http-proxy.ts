import { type Env, envVar } from "./env.ts";
import { CodexError } from "./errors.ts";

const SUPPORTED = new Set(["http:", "https:"]);

/**
 * Stops a request that would bypass the user's proxy. `fetch` honours HTTP(S)_PROXY, ALL_PROXY and
 * NO_PROXY by itself, but ignores a SOCKS address in ALL_PROXY and goes out directly.
 * Throws CodexError `unsupported_proxy` when the proxy that applies to `url` is not an http(s) one.
 */
export function assertProxySupported(url: URL, env: Env): void {
  const found = proxyVariableFor(url, env);
  if (found === undefined) return;
  const protocol = proxyProtocol(found.value);
  if (protocol === undefined || SUPPORTED.has(protocol)) return;
  throw new CodexError(
    "unsupported_proxy",
    `Cannot reach ${url.origin} through the proxy that ${found.name} names: "${withoutCredentials(found.value)}" is a ` +
      `${protocol.slice(0, -1)} proxy, expected http:// or https://. Set ${found.name} to an HTTP proxy, or list ` +
      `${url.hostname} in NO_PROXY to connect directly`,
  );
}

/** The variable that decides about `url`, after NO_PROXY: the scheme's own before ALL_PROXY, lower case before upper. */
export function proxyVariableFor(url: URL, env: Env): { name: string; value: string } | undefined {
  if (isExcluded(url, envVar("no_proxy", env) ?? envVar("NO_PROXY", env) ?? "")) return undefined;
  const own = url.protocol === "https:" ? "https_proxy" : "http_proxy";
  for (const name of [own, own.toUpperCase(), "all_proxy", "ALL_PROXY"]) {
    const value = envVar(name, env)?.trim();
    if (value) return { name, value };
  }
  return undefined;
}

/** `host:port` without a scheme is an HTTP proxy by convention. */
function proxyProtocol(value: string): string | undefined {
  return /^[a-z][a-z0-9+.-]*:(?=\/\/)/i.exec(value)?.[0].toLowerCase();
}

function withoutCredentials(value: string): string {
  return value.replace(/\/\/[^@/]*@/, "//…@");
}

/** Whether a NO_PROXY list names the host: `*`, a host or a parent domain, each with an optional port. */
function isExcluded(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return list
    .split(",")
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry !== "" && (entry === "*" || matchesHost(entry, host, port)));
}

function matchesHost(entry: string, host: string, port: string): boolean {
  const [, name = entry, entryPort] = /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(entry) ?? [];
  if (isIpv6(entry)) return entry.replace(/^\[|\]$/g, "") === host;
  if (entryPort !== undefined && entryPort !== port) return false;
  if (name.includes("/")) return isInIpv4Block(name, host);
  const domain = name.replace(/^\*?\./, "");
  return host === domain || host.endsWith(`.${domain}`);
}

function isIpv6(entry: string): boolean {
  return entry.split(":").length > 2 && !entry.includes("]:");
}

/** `10.0.0.0/8` contains `10.1.2.3`. */
function isInIpv4Block(block: string, host: string): boolean {
  const [network = "", bitsText = ""] = block.split("/");
  const bits = Number(bitsText);
  const a = ipv4Number(network);
  const b = ipv4Number(host);
  if (a === undefined || b === undefined || !Number.isInteger(bits) || bits < 0 || bits > 32) return false;
  const size = 2 ** (32 - bits);
  return Math.floor(a / size) === Math.floor(b / size);
}

function ipv4Number(text: string): number | undefined {
  const parts = text.split(".").map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}
