import { type ProxyContext, routeTo } from "./context.ts";
import type { DialFailure } from "./dial.ts";
import type { NetworkRequest } from "./policy.ts";
import {
  CONNECT_COMMAND,
  formatReply,
  NO_METHOD,
  PASSWORD_METHOD,
  type Parsed,
  parseGreeting,
  parsePassword,
  parseRequest,
  REPLY,
  SOCKS_VERSION,
} from "./socks.ts";
import { tokenMatches } from "./token.ts";
import { tunnel } from "./tunnel.ts";
import type { Wire } from "./wire.ts";

const PASSWORD_VERSION = 1;

/** Serves one connection that speaks SOCKS5. The client's deadline is the caller's for the handshake. */
export async function serveSocks(context: ProxyContext, client: Wire, signal: AbortSignal): Promise<void> {
  const last = await handshake(context, client, signal);
  if (last !== undefined) await client.write(last);
  await client.linger(context.limits.lingerMs);
}

/** What the client is told last, when its connection is over. */
async function handshake(context: ProxyContext, client: Wire, signal: AbortSignal): Promise<Uint8Array | undefined> {
  const methods = await readStep(client, parseGreeting);
  if (methods === undefined) return undefined;
  if (!context.socks || !methods.includes(PASSWORD_METHOD)) return Uint8Array.of(SOCKS_VERSION, NO_METHOD);
  await client.write(Uint8Array.of(SOCKS_VERSION, PASSWORD_METHOD));
  const password = await readStep(client, parsePassword);
  if (password === undefined) return undefined;
  if (!tokenMatches(context.token, password)) return Uint8Array.of(PASSWORD_VERSION, 1);
  await client.write(Uint8Array.of(PASSWORD_VERSION, 0));
  const asked = await readStep(client, parseRequest);
  if (asked === undefined) return undefined;
  client.setDeadline(undefined);
  if (asked.command !== CONNECT_COMMAND) return formatReply(REPLY.badCommand);
  if (asked.host === undefined) return formatReply(REPLY.badAddressType);
  if (asked.host.kind === "refused" || asked.port === 0) return formatReply(REPLY.notAllowed);
  const request: NetworkRequest = { protocol: "socks5_tcp", method: undefined, host: asked.host, port: asked.port };
  const route = await routeTo(context, request, signal);
  if (route.kind !== "connected") return formatReply(replyFor(route));
  await tunnel(client, route.wire, formatReply(REPLY.succeeded), context.limits.halfClosedMs);
  return undefined;
}

function replyFor(failure: DialFailure): number {
  switch (failure.kind) {
    case "blocked":
      return REPLY.notAllowed;
    case "refused":
      return REPLY.refused;
    case "timeout":
      return REPLY.expired;
    case "unresolved":
    case "unreachable":
      return REPLY.hostUnreachable;
  }
}

/** One message of the handshake; undefined when it is none, or does not come. What follows it stays on the wire. */
async function readStep<T>(client: Wire, parse: (bytes: Uint8Array) => Parsed<T>): Promise<T | undefined> {
  let bytes: Uint8Array = new Uint8Array();
  for (;;) {
    const parsed = parse(bytes);
    if (parsed.kind === "bad") return undefined;
    if (parsed.kind === "ok") {
      client.unread(bytes.slice(parsed.length));
      return parsed.value;
    }
    const next = await client.read();
    if (next === undefined) return undefined;
    bytes = bytes.length === 0 ? next : Buffer.concat([bytes, next]);
  }
}
