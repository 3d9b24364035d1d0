import type { BlockedRequest, BlockReason } from "./blocked.ts";
import { type DialFailure, type DialLimits, dialAddresses, findAddresses, type Resolve } from "./dial.ts";
import { isLocalHost, judgeRequest, type NetworkPolicy, type NetworkRequest } from "./policy.ts";
import { connectToProxy, dialThrough, type UpstreamProxies, type UpstreamProxy } from "./upstream-proxy.ts";
import type { Wire } from "./wire.ts";

export interface ProxyLimits extends DialLimits {
  /** From the connection to the end of its first head or handshake, token included. */
  handshakeMs: number;
  /** Between two requests of a connection, and for the second one's head. */
  idleMs: number;
  /** Without a byte once one side of a tunnel has ended. */
  halfClosedMs: number;
  /** For a refused program to read why before the connection goes. */
  lingerMs: number;
  /** At a time, all proxies of the process together no more than the default; more are closed as they come. Each takes two descriptors and at most about 1.5 MiB. */
  connections: number;
}

/** Everything the connections of one proxy share. */
export interface ProxyContext {
  policy: NetworkPolicy;
  token: string;
  socks: boolean;
  resolve: Resolve;
  /** Undefined: destinations are dialled directly. */
  upstream: UpstreamProxies | undefined;
  limits: ProxyLimits;
  report(blocked: BlockedRequest): void;
}

/** A permitted request's connection; `via` is the proxy at its other end where that one is asked instead of the host. */
export type Route = { readonly kind: "connected"; readonly wire: Wire; readonly via?: UpstreamProxy } | DialFailure;

/** Judges and connects. What is refused has been reported when this returns. */
export async function routeTo(context: ProxyContext, request: NetworkRequest, signal: AbortSignal): Promise<Route> {
  const { host, port } = request;
  const verdict = judgeRequest(context.policy, request);
  if (!verdict.allowed) return report(context, request, { kind: "blocked", verdict });
  const proxy = isLocalHost(context.policy, host) ? undefined : context.upstream?.find(request);
  const found = await findAddresses(context.policy, context.resolve, { host, port }, context.limits, signal);
  if (found.kind === "blocked") return report(context, request, found);
  // Behind a proxy it is common that outside names resolve only there.
  if (proxy !== undefined) return await routeThrough(proxy, request, context.limits, signal);
  if (found.kind !== "found") return found;
  return await dialAddresses(found.addresses, { host, port }, context.limits, signal);
}

async function routeThrough(
  proxy: UpstreamProxy,
  request: NetworkRequest,
  limits: ProxyLimits,
  signal: AbortSignal,
): Promise<Route> {
  if (request.protocol !== "http") return await dialThrough(proxy, request, limits, signal);
  const dialled = await connectToProxy(proxy, limits, signal);
  return dialled.kind === "connected" ? { ...dialled, via: proxy } : dialled;
}

function report(
  context: ProxyContext,
  request: NetworkRequest,
  blocked: Extract<DialFailure, { kind: "blocked" }>,
): Route {
  reportBlocked(context, request, blocked.verdict.reason);
  return blocked;
}

/** Tells the session, and nothing more than that somebody wanted to reach this host. */
export function reportBlocked(context: ProxyContext, request: NetworkRequest, reason: BlockReason): void {
  const { protocol, method, host, port } = request;
  context.report({ host: host.text, port, protocol, method, reason });
}
