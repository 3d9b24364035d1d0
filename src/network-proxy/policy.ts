import { networkInterfaces } from "node:os";
import type { NetworkSettings } from "#config/network-settings.ts";
import type { BlockReason, ProxyProtocol } from "./blocked.ts";
import type { Host } from "./host.ts";
import { type AddressClass, classify, type IpAddress, parseIp } from "./ip-address.ts";
import { matches, type Pattern, parsePatterns } from "./pattern.ts";

/** What may be reached, ready to be asked. */
export interface NetworkPolicy {
  readonly limited: boolean;
  readonly allowed: readonly Pattern[];
  readonly denied: readonly Pattern[];
  /** Allowed names may lead to loopback and private addresses. */
  readonly allowLocal: boolean;
  /** Addresses of this machine at this moment, in any spelling. */
  readonly ownAddresses: OwnAddresses;
}

export type OwnAddresses = () => readonly string[];

/** Those of all interfaces that are up. Takes some 0.03 ms. */
const addressesOfInterfaces: OwnAddresses = () =>
  Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));

/** One thing a program inside wants to reach. */
export interface NetworkRequest {
  readonly protocol: ProxyProtocol;
  /** Upper case for the methods with a meaning here; undefined for SOCKS5. */
  readonly method: string | undefined;
  readonly host: Host;
  readonly port: number;
}

export type Verdict = { readonly allowed: true } | { readonly allowed: false; readonly reason: BlockReason };

const ALLOWED: Verdict = { allowed: true };
const LIMITED_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);
/** `allow_local_binding` opens these; link-local holds the metadata services of clouds. */
const LOCAL: ReadonlySet<AddressClass> = new Set<AddressClass>(["loopback", "private"]);
const LOOPBACK = ["127.0.0.1", "::1"];

/** Throws a CodexError for an entry that is no pattern. `ownAddresses` are those of the machine unless given. */
export function networkPolicy(settings: NetworkSettings, ownAddresses = addressesOfInterfaces): NetworkPolicy {
  return {
    limited: settings.mode === "limited",
    allowed: parsePatterns("allowed_domains", settings.allowedDomains),
    denied: parsePatterns("denied_domains", settings.deniedDomains),
    allowLocal: settings.allowLocalBinding,
    ownAddresses,
  };
}

/** Whether the request may be made as far as its words go; `judgeAddresses` decides about where they lead. */
export function judgeRequest(policy: NetworkPolicy, request: NetworkRequest): Verdict {
  const { host, port } = request;
  const covering = policy.allowed.filter((pattern) => matches(pattern, host, port));
  if (policy.denied.some((pattern) => matches(pattern, host, port))) return blocked("denied");
  if (isLocalHost(policy, host)) {
    const named = covering.some((pattern) => pattern.scope === "exact");
    if (!named && !(covering.length > 0 && policy.allowLocal && isLiftedClass(policy, host)))
      return blocked("not_allowed_local");
  } else if (covering.length === 0) return blocked("not_allowed");
  if (policy.limited && !isLimitedMethod(request)) return blocked("method_not_allowed");
  return ALLOWED;
}

/**
 * Whether an allowed host may be dialled at the addresses it resolved to. One bad address refuses them all: which one
 * a dialler takes would be the resolver's choice. An address that stands in the request has been judged with it.
 */
export function judgeAddresses(
  policy: NetworkPolicy,
  host: Host,
  port: number,
  addresses: readonly IpAddress[],
): Verdict {
  for (const address of addresses) {
    const literal: Host = { kind: "ip", text: address.text, address };
    if (policy.denied.some((pattern) => pattern.scope === "exact" && matches(pattern, literal, port))) {
      return blocked("denied");
    }
    if (host.kind === "ip" ? host.text === address.text : isReachable(policy, host, address)) continue;
    return blocked("not_allowed_local");
  }
  return ALLOWED;
}

/** Addresses that need no resolver: an IP itself, and loopback for the names that always mean it (RFC 6761). */
export function knownAddresses(host: Host): readonly IpAddress[] | undefined {
  if (host.kind === "ip") return [host.address];
  if (!isLoopbackName(host)) return undefined;
  return LOOPBACK.flatMap((text) => parseIp(text) ?? []);
}

/** Whether the host is this machine or a network around it by its very spelling. */
export function isLocalHost(policy: NetworkPolicy, host: Host): boolean {
  return host.kind === "ip" ? classOf(policy, host.address) !== "public" : isLoopbackName(host);
}

/** A public address of this machine leads to what listens here, as loopback does. */
function classOf(policy: NetworkPolicy, address: IpAddress): AddressClass {
  const found = classify(address);
  if (found !== "public") return found;
  return policy.ownAddresses().some((own) => parseIp(own)?.text === address.text) ? "loopback" : found;
}

function isReachable(policy: NetworkPolicy, host: Host, address: IpAddress): boolean {
  const found = classOf(policy, address);
  if (found === "public") return !isLoopbackName(host);
  return isLoopbackName(host) ? found === "loopback" : policy.allowLocal && LOCAL.has(found);
}

function isLiftedClass(policy: NetworkPolicy, host: Host): boolean {
  return host.kind === "name" || LOCAL.has(classOf(policy, host.address));
}

function isLoopbackName(host: Host): boolean {
  return host.kind === "name" && (host.text === "localhost" || host.text.endsWith(".localhost"));
}

function isLimitedMethod(request: NetworkRequest): boolean {
  return request.protocol === "http" && request.method !== undefined && LIMITED_METHODS.has(request.method);
}

function blocked(reason: BlockReason): Verdict {
  return { allowed: false, reason };
}
