import { lookup } from "node:dns/promises";
import { errnoOf } from "#lib/errors.ts";
import { formatAuthority, type Host } from "./host.ts";
import { type IpAddress, parseIp } from "./ip-address.ts";
import { judgeAddresses, knownAddresses, type NetworkPolicy, type Verdict } from "./policy.ts";
import { Wire, wireHandlers } from "./wire.ts";

/** Every address of a name, as texts. Rejects when there are none. */
export type Resolve = (name: string) => Promise<readonly string[]>;

/** The system's resolver, /etc/hosts included, in the order it prefers. */
export const systemResolve: Resolve = async (name) =>
  (await lookup(name, { all: true, order: "verbatim" })).map(({ address }) => address);

export interface DialLimits {
  resolveMs: number;
  /** For each address. */
  connectMs: number;
}

export type DialFailure =
  | { readonly kind: "blocked"; readonly verdict: Extract<Verdict, { allowed: false }> }
  | { readonly kind: "unresolved" | "refused" | "unreachable" | "timeout"; readonly message: string };

export type Found = { readonly kind: "found"; readonly addresses: readonly IpAddress[] } | DialFailure;
export type Dialled = { readonly kind: "connected"; readonly wire: Wire } | DialFailure;

/** Where the host leads, asked once and each address judged. */
export async function findAddresses(
  policy: NetworkPolicy,
  resolve: Resolve,
  target: { host: Host; port: number },
  limits: DialLimits,
  signal: AbortSignal,
): Promise<Found> {
  const { host, port } = target;
  let addresses = knownAddresses(host);
  if (addresses === undefined) {
    const texts = await within(limits.resolveMs, resolve(host.text), signal).catch(() => undefined);
    if (texts === undefined || texts.length === 0) {
      return { kind: "unresolved", message: `the name ${host.text} does not resolve` };
    }
    addresses = texts.flatMap((text) => parseIp(text) ?? []);
    // An answer that is no plain address (a zone, say) cannot be judged, so it is not dialled either.
    if (addresses.length < texts.length)
      return { kind: "blocked", verdict: { allowed: false, reason: "not_allowed_local" } };
  }
  const verdict = judgeAddresses(policy, host, port, addresses);
  return verdict.allowed ? { kind: "found", addresses } : { kind: "blocked", verdict };
}

/** Connects to the first of these addresses that answers. They have been judged: nothing is resolved here. */
export async function dialAddresses(
  addresses: readonly IpAddress[],
  target: { host: Host; port: number },
  limits: DialLimits,
  signal: AbortSignal,
): Promise<Dialled> {
  let failure: DialFailure = { kind: "unresolved", message: `the name ${target.host.text} does not resolve` };
  for (const address of addresses) {
    if (signal.aborted) break;
    try {
      return { kind: "connected", wire: await connect(address.text, target.port, limits.connectMs, signal) };
    } catch (error) {
      failure = failureOf(error, formatAuthority(target.host, target.port));
    }
  }
  return failure;
}

/** A connection to one address. Rejects with the system's error, or `TimedOut`. */
export async function connect(hostname: string, port: number, limitMs: number, signal: AbortSignal): Promise<Wire> {
  const opened = Promise.withResolvers<Wire>();
  const connecting = Bun.connect<Wire | undefined>({
    hostname,
    port,
    allowHalfOpen: true,
    data: undefined,
    socket: {
      ...wireHandlers((socket) => {
        const wire = new Wire(socket);
        socket.data = wire;
        socket.setNoDelay(true);
        opened.resolve(wire);
      }),
      connectError: (_socket, error) => opened.reject(error),
    },
  });
  connecting.catch((error: unknown) => opened.reject(error));
  try {
    return await within(limitMs, opened.promise, signal);
  } catch (error) {
    opened.promise.then((wire) => wire.destroy()).catch(() => undefined);
    throw error;
  }
}

/** A limit was reached, or nobody waits any more. */
class TimedOut extends Error {
  constructor() {
    super("it took too long");
    this.name = "TimedOut";
  }
}

async function within<T>(limitMs: number, promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const late = Promise.withResolvers<never>();
  const giveUp = () => late.reject(new TimedOut());
  const timer = setTimeout(giveUp, limitMs);
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
  }
}

function failureOf(error: unknown, target: string): DialFailure {
  if (error instanceof TimedOut) return { kind: "timeout", message: `${target} did not answer in time` };
  const errno = errnoOf(error);
  if (errno === "ECONNREFUSED") return { kind: "refused", message: `${target} refused the connection` };
  if (errno === "ETIMEDOUT") return { kind: "timeout", message: `${target} did not answer in time` };
  return { kind: "unreachable", message: `${target} cannot be reached (${errno ?? "unknown error"})` };
}
