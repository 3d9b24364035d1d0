import { type Challenge, parseChallenge } from "./challenge.ts";
import { isLoopback, shown } from "./endpoint.ts";
import { textList } from "./metadata-fields.ts";
import { OAuthError, quoted } from "./oauth-error.ts";
import { requestJson } from "./request-json.ts";

/** What a server says about itself (RFC 9728). */
export interface ProtectedResource {
  /** Its name for itself, word for word: tokens are asked for under it. */
  resource: string;
  /** Issuers of its authorization servers; they are not judged yet. */
  authorizationServers: readonly string[];
  scopes: readonly string[] | undefined;
}

export interface DiscoveryOptions {
  /** Configured headers, for the server's own origin. */
  headers: Readonly<Record<string, string>>;
  limitMs?: number;
  signal: AbortSignal;
}

const WELL_KNOWN = "/.well-known/oauth-protected-resource";
/** With this header servers know us for an MCP client; the version is the one Codex CLI names there. */
export const DISCOVERY_HEADERS = { "mcp-protocol-version": "2024-11-05" } as const;

/** A server that answers a GET with a stream may take its time before the first byte. */
const CHALLENGE_LIMIT_MS = 5_000;

/** Asks the server without a login what it wants. Undefined also when there is no answer: the next request tells. */
export async function askForChallenge(server: URL, options: DiscoveryOptions): Promise<Challenge | undefined> {
  const limitMs = Math.min(CHALLENGE_LIMIT_MS, options.limitMs ?? CHALLENGE_LIMIT_MS);
  const headers = { accept: "*/*", ...options.headers };
  const answer = await get(server, { ...options, headers, limitMs }).catch((error: unknown) => {
    if (error instanceof OAuthError) return undefined;
    throw error;
  });
  if (answer?.status !== 401 && answer?.status !== 403) return undefined;
  return parseChallenge(answer.headers.get("www-authenticate"));
}

/**
 * The server's own description: where its challenge says, if that is the server's own origin, else at the two
 * well-known places. Undefined when there is none. Throws OAuthError when it is of another resource.
 */
export async function findProtectedResource(
  server: URL,
  challenge: Challenge | undefined,
  options: DiscoveryOptions,
): Promise<ProtectedResource | undefined> {
  for (const place of places(server, challenge)) {
    const { status, json } = await get(place, options);
    if (status >= 500) throw new OAuthError("unreachable", `GET ${shown(place)} answered ${status}`);
    const found = status === 200 && json !== undefined ? parseProtectedResource(json) : undefined;
    if (found === undefined) continue;
    if (!covers(found.resource, server)) {
      throw new OAuthError(
        "refused",
        `"${shown(place)}" describes the resource "${quoted(found.resource)}", expected "${shown(server)}" or a parent of it`,
      );
    }
    return found;
  }
  return undefined;
}

function get(url: URL, { headers, ...options }: DiscoveryOptions) {
  return requestJson(url, { method: "GET", headers: { ...headers, ...DISCOVERY_HEADERS }, ...options });
}

function places(server: URL, challenge: Challenge | undefined): URL[] {
  const named = challenge?.resourceMetadata;
  const url = named !== undefined && URL.canParse(named, server.href) ? new URL(named, server) : undefined;
  const wellKnown = [...new Set([trimSlash(server.pathname), ""])].map((path) => new URL(WELL_KNOWN + path, server));
  // What another origin says of this server counts for nothing.
  return url?.origin === server.origin ? [url, ...wellKnown.filter(({ href }) => href !== url.href)] : wellKnown;
}

function parseProtectedResource(json: Readonly<Record<string, unknown>>): ProtectedResource | undefined {
  if (typeof json.resource !== "string") return undefined;
  return {
    resource: json.resource,
    authorizationServers: textList(json.authorization_servers) ?? [],
    scopes: textList(json.scopes_supported),
  };
}

/** Whether a resource is the server, or a parent of it on the same origin. */
function covers(resource: string, server: URL): boolean {
  if (!URL.canParse(resource)) return false;
  const url = new URL(resource);
  const [parent, own] = [trimSlash(url.pathname), trimSlash(server.pathname)];
  return hasSameOrigin(url, server) && (own === parent || own.startsWith(`${parent}/`));
}

/** Two names of this machine are one place. */
function hasSameOrigin(a: URL, b: URL): boolean {
  const areLocal = isLoopback(a) && isLoopback(b) && a.protocol === b.protocol && a.port === b.port;
  return a.origin === b.origin || areLocal;
}

export function trimSlash(path: string): string {
  return path.replace(/\/+$/, "");
}
