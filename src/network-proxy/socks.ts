import { type Host, parseHost, type RefusedHost } from "./host.ts";
import { ipOfBytes, withoutMapping } from "./ip-address.ts";

/** A step of the handshake that `bytes` begin with. Nothing here throws. */
export type Parsed<T> =
  | { readonly kind: "more" }
  /** Not SOCKS5. */
  | { readonly kind: "bad" }
  | { readonly kind: "ok"; readonly length: number; readonly value: T };

export interface SocksRequest {
  /** 1 = CONNECT, 2 = BIND, 3 = UDP ASSOCIATE. */
  readonly command: number;
  /** Undefined for an address type that does not exist; then the request's end is not known either. */
  readonly host: Host | RefusedHost | undefined;
  readonly port: number;
}

export const SOCKS_VERSION = 5;
export const NO_METHOD = 0xff;
export const PASSWORD_METHOD = 2;
export const CONNECT_COMMAND = 1;

/** RFC 1928 section 6. */
export const REPLY = {
  succeeded: 0,
  failure: 1,
  notAllowed: 2,
  networkUnreachable: 3,
  hostUnreachable: 4,
  refused: 5,
  expired: 6,
  badCommand: 7,
  badAddressType: 8,
} as const;

/** The methods of authentication a client offers. */
export function parseGreeting(bytes: Uint8Array): Parsed<readonly number[]> {
  const [version, count] = bytes;
  if (version !== undefined && version !== SOCKS_VERSION) return { kind: "bad" };
  if (count === undefined || bytes.length < 2 + count) return { kind: "more" };
  return { kind: "ok", length: 2 + count, value: [...bytes.subarray(2, 2 + count)] };
}

/** RFC 1929: user name and password, of which only the password counts here. */
export function parsePassword(bytes: Uint8Array): Parsed<string> {
  const [version, nameLength] = bytes;
  if (version !== undefined && version !== 1) return { kind: "bad" };
  if (nameLength === undefined) return { kind: "more" };
  const passwordLength = bytes[2 + nameLength];
  if (passwordLength === undefined) return { kind: "more" };
  const length = 3 + nameLength + passwordLength;
  if (bytes.length < length) return { kind: "more" };
  return { kind: "ok", length, value: Buffer.from(bytes.subarray(3 + nameLength, length)).toString("latin1") };
}

export function parseRequest(bytes: Uint8Array): Parsed<SocksRequest> {
  const [version, command, reserved, type, first] = bytes;
  if ((version !== undefined && version !== SOCKS_VERSION) || (reserved !== undefined && reserved !== 0)) {
    return { kind: "bad" };
  }
  if (command === undefined || type === undefined) return { kind: "more" };
  const start = type === NAME_TYPE ? 5 : 4;
  const size = type === NAME_TYPE ? first : ADDRESS_BYTES[type];
  if (size === undefined) {
    if (type === NAME_TYPE) return { kind: "more" };
    return { kind: "ok", length: bytes.length, value: { command, host: undefined, port: 0 } };
  }
  const end = start + size;
  const [high, low] = [bytes[end], bytes[end + 1]];
  if (high === undefined || low === undefined) return { kind: "more" };
  const address = bytes.slice(start, end);
  const host = type === NAME_TYPE ? hostOfName(address) : hostOfAddress(address);
  return { kind: "ok", length: end + 2, value: { command, host, port: high * 256 + low } };
}

/** The answer to a request; the bound address is not told. */
export function formatReply(reply: number): Uint8Array {
  return Uint8Array.of(SOCKS_VERSION, reply, 0, 1, 0, 0, 0, 0, 0, 0);
}

const NAME_TYPE = 3;
const ADDRESS_BYTES: Readonly<Record<number, number>> = { 1: 4, 4: 16 };

function hostOfAddress(bytes: Uint8Array): Host {
  const address = withoutMapping(ipOfBytes(bytes));
  return { kind: "ip", text: address.text, address };
}

function hostOfName(bytes: Uint8Array): Host | RefusedHost {
  try {
    return parseHost(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return { kind: "refused", why: "is not UTF-8" };
  }
}
