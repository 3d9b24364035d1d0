import { OAuthError, quotedValue } from "./oauth-error.ts";

/**
 * An address that a server named, if we may talk to it: https, or http on this machine. A server elsewhere
 * must not send us to this machine. `what` begins the message of the OAuthError that refuses it.
 */
export function parseEndpoint(text: unknown, what: string, server: URL): URL {
  if (typeof text !== "string" || !URL.canParse(text)) {
    throw new OAuthError("bad_metadata", `${what} is ${quotedValue(text)}, expected an address`);
  }
  const url = new URL(text);
  const problem = endpointProblem(url, server);
  if (problem === undefined) return url;
  throw new OAuthError("refused", `${what} is "${shown(url)}": ${problem}`);
}

/** The address of a server as it is configured. Throws OAuthError for a text that is none. */
export function serverAddress(text: string): URL {
  if (URL.canParse(text)) return new URL(text);
  throw new OAuthError("refused", `url is "${text}", expected an http:// or https:// address`);
}

/** Whether OAuth may be used with a server at this address at all. */
export function isServerAddress(server: URL): boolean {
  return endpointProblem(server, server) === undefined;
}

/** Throws the OAuthError that refuses an address OAuth may not be used with. */
export function assertServerAddress(server: URL): void {
  if (isServerAddress(server)) return;
  throw new OAuthError("refused", `Cannot log in to "${shown(server)}": OAuth needs https, or http on this machine`);
}

function endpointProblem(url: URL, server: URL): string | undefined {
  const local = isLoopback(url);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && local)) {
    return "expected https, or http on this machine";
  }
  if (mayBeLocal(url) && !isLoopback(server)) return `a server at ${server.host} may not send us to this machine`;
  if (url.username !== "" || url.password !== "") return "an address with a user name is refused";
  return undefined;
}

/** Also by names and numbers that only some systems take for this machine. */
function mayBeLocal(url: URL): boolean {
  const { hostname } = url;
  return isLoopback(url) || /(^|\.)localhost\.?$/.test(hostname) || /^(0\.0\.0\.0|\[::(ffff:7f.*)?\])$/.test(hostname);
}

/** Whether the address is on this machine. */
export function isLoopback({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** An address without what could be secret or steer a terminal. */
export function shown(url: URL): string {
  const plain = new URL(url);
  plain.username = plain.password = plain.search = plain.hash = "";
  return plain.href;
}
