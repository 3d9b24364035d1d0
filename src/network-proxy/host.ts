import { domainToASCII } from "node:url";
import { type IpAddress, parseIpv4, parseIpv6, withoutMapping } from "./ip-address.ts";

/** A destination in its one spelling; two hosts are the same when their texts are. */
export type Host =
  /** Lower case, ASCII (punycode), without a trailing dot. */
  | { readonly kind: "name"; readonly text: string }
  /** An IPv4-mapped IPv6 address is its IPv4 address. */
  | { readonly kind: "ip"; readonly text: string; readonly address: IpAddress };

/** A text that names no destination; `why` completes "the host name …". Never contains the text itself. */
export interface RefusedHost {
  readonly kind: "refused";
  readonly why: string;
}

export interface Authority {
  readonly kind: "authority";
  readonly host: Host;
  /** Undefined when the text has none. */
  readonly port: number | undefined;
}

/** RFC 1035, without the trailing dot. */
const MAX_NAME = 253;
const MAX_LABEL = 63;

/**
 * The canonical form of a host, IPv6 without brackets. Whatever a resolver or another program might read differently
 * (an address in octal, hexadecimal or short form, an escape, a zone, a control character) is refused and never
 * taken for a name.
 */
export function parseHost(text: string): Host | RefusedHost {
  if (text.includes(":")) return ipHost(parseIpv6(text), "is not an IPv6 address without a zone");
  const bare = text.endsWith(".") ? text.slice(0, -1) : text;
  if (bare === "") return refused("is empty");
  if (bare.length > 4 * MAX_NAME) return refused("is too long");
  for (const char of bare) {
    if (char < "\u0080" && !/[a-z0-9._-]/i.test(char)) return refused("has a character that no host name has");
  }
  const name = needsMapping(bare) ? domainToASCII(bare) : bare.toLowerCase();
  if (!/^[a-z0-9._-]+$/.test(name)) return refused("is not a valid international name");
  return asciiHost(name);
}

/** `host`, `host:port` or `[ipv6]:port` of a request target or Host header; user information is refused. */
export function parseAuthority(text: string): Authority | RefusedHost {
  if (text.includes("@")) return refused("has a user name in front of it");
  const [, bracketed, plain = "", port] = /^(?:\[([^[\]]*)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (bracketed === undefined && plain === "") return refused("is not host:port");
  const host = bracketed === undefined ? parseHost(plain) : ipHost(parseIpv6(bracketed), "is not an IPv6 address");
  if (host.kind === "refused") return host;
  if (port === undefined) return { kind: "authority", host, port: undefined };
  const number = Number(port);
  if (number < 1 || number > 65_535) return refused("has a port that is not between 1 and 65535");
  return { kind: "authority", host, port: number };
}

/** As it stands in a URL or Host header. */
export function formatAuthority(host: Host, port: number | undefined): string {
  const name = host.text.includes(":") ? `[${host.text}]` : host.text;
  return port === undefined ? name : `${name}:${port}`;
}

function ipHost(address: IpAddress | undefined, otherwise: string): Host | RefusedHost {
  if (address === undefined) return refused(otherwise);
  const plain = withoutMapping(address);
  return { kind: "ip", text: plain.text, address: plain };
}

/** Punycode is decoded and encoded again, so that only what decodes is taken. */
function needsMapping(name: string): boolean {
  return /[\u0080-\uffff]/.test(name) || /(^|\.)xn--/i.test(name);
}

function asciiHost(name: string): Host | RefusedHost {
  const labels = name.split(".");
  const last = labels.at(-1) ?? "";
  // What inet_aton and the URL standard read as a number; only one spelling of it is unambiguous.
  if (/^(\d+|0x[0-9a-f]*)$/.test(last)) return ipHost(parseIpv4(name), "is a number but no dotted decimal address");
  if (labels.some((label) => label === "")) return refused("has an empty part");
  if (name.length > MAX_NAME || labels.some((label) => label.length > MAX_LABEL)) return refused("is too long");
  return { kind: "name", text: name };
}

function refused(why: string): RefusedHost {
  return { kind: "refused", why };
}
