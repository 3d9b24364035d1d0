import { type Env, envVar } from "#lib/env.ts";
import { CodexError } from "#lib/errors.ts";
import { proxyVariableFor } from "#lib/http-proxy.ts";
import { connect, type DialLimits, type Dialled } from "./dial.ts";
import { formatAuthority, type Host, parseAuthority } from "./host.ts";
import { formatHead, parseResponseHead } from "./http-head.ts";
import type { NetworkRequest } from "./policy.ts";
import { readHead } from "./read-head.ts";

/** The proxy that our own environment names. */
export interface UpstreamProxy {
  readonly hostname: string;
  readonly port: number;
  /** Value of Proxy-Authorization, from the address's user information. */
  readonly authorization: string | undefined;
}

export interface UpstreamProxies {
  /** The proxy for this destination; undefined where NO_PROXY or nothing says so. */
  find(request: NetworkRequest): UpstreamProxy | undefined;
}

const VARIABLES = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const DEFAULT_PORT = 80;

/** Throws a CodexError when a variable names something other than an http:// proxy. */
export function upstreamProxies(env: Env): UpstreamProxies {
  const known = new Map<string, UpstreamProxy>();
  for (const name of VARIABLES) {
    const value = envVar(name, env)?.trim();
    if (value) known.set(value, parseProxy(name, value));
  }
  return {
    find: ({ host, port, protocol }) => {
      const scheme = protocol === "http" ? "http" : "https";
      const named = proxyVariableFor(new URL(`${scheme}://${formatAuthority(host, port)}/`), env);
      return named === undefined ? undefined : known.get(named.value);
    },
  };
}

/** A tunnel through the proxy to the named host. The proxy resolves the name itself. */
export async function dialThrough(
  proxy: UpstreamProxy,
  target: { host: Host; port: number },
  limits: DialLimits,
  signal: AbortSignal,
): Promise<Dialled> {
  const dialled = await connectToProxy(proxy, limits, signal);
  if (dialled.kind !== "connected") return dialled;
  const { wire } = dialled;
  const authority = formatAuthority(target.host, target.port);
  wire.setDeadline(limits.connectMs);
  try {
    await wire.write(formatHead(`CONNECT ${authority} HTTP/1.1`, [["Host", authority], ...authorization(proxy)]));
    const head = await readHead(wire);
    const status = head === undefined ? 0 : parseResponseHead(head).status;
    if (status >= 200 && status < 300) return dialled;
    wire.destroy();
    return { kind: "unreachable", message: `the upstream proxy refused ${authority} (status ${status})` };
  } catch {
    wire.destroy();
    return { kind: "unreachable", message: `the upstream proxy gave no proper answer for ${authority}` };
  } finally {
    wire.setDeadline(undefined);
  }
}

/** A connection to the proxy, for a request it is handed in absolute form. */
export async function connectToProxy(proxy: UpstreamProxy, limits: DialLimits, signal: AbortSignal): Promise<Dialled> {
  try {
    return { kind: "connected", wire: await connect(proxy.hostname, proxy.port, limits.connectMs, signal) };
  } catch {
    return { kind: "unreachable", message: "the upstream proxy cannot be reached" };
  }
}

/** The field that tells the proxy who we are. */
export function authorization(proxy: UpstreamProxy): [string, string][] {
  return proxy.authorization === undefined ? [] : [["Proxy-Authorization", proxy.authorization]];
}

function parseProxy(name: string, value: string): UpstreamProxy {
  const [, scheme = "http", credentials, rest = ""] =
    /^(?:([a-z][a-z0-9+.-]*):\/\/)?(?:([^@/]*)@)?([^/?#]*)\/?$/i.exec(value) ?? [];
  if (scheme.toLowerCase() !== "http") throw badProxy(name, `it is a ${scheme.toLowerCase()} proxy`);
  const authority = parseAuthority(rest);
  if (authority.kind === "refused") throw badProxy(name, `its host ${authority.why}`);
  return {
    hostname: authority.host.text,
    port: authority.port ?? DEFAULT_PORT,
    authorization:
      credentials === undefined ? undefined : `Basic ${Buffer.from(decoded(credentials)).toString("base64")}`,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function badProxy(name: string, why: string): CodexError {
  return new CodexError(
    "unsupported_proxy",
    `Cannot use the proxy that ${name} names for network.allow_upstream_proxy: ${why}, expected ` +
      `"http://host:port". Change ${name}, or set network.allow_upstream_proxy to false to connect directly`,
  );
}
