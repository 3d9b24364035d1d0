import { parseEndpoint, shown } from "./endpoint.ts";
import { textList } from "./metadata-fields.ts";
import { OAuthError, quoted, quotedValue } from "./oauth-error.ts";
import { requestJson } from "./request-json.ts";
import { DISCOVERY_HEADERS, type DiscoveryOptions, trimSlash } from "./resource-metadata.ts";

/** What an authorization server says about itself (RFC 8414), every address judged. */
export interface AuthorizationServer {
  /** Its name, word for word. */
  issuer: string;
  authorizationEndpoint: URL;
  tokenEndpoint: URL;
  /** Undefined where clients cannot register themselves. */
  registrationEndpoint: URL | undefined;
  /** Its answers always name the issuer (RFC 9207). */
  namesIssuer: boolean;
  /** How clients with a secret may prove it. */
  tokenAuthMethods: readonly string[] | undefined;
}

type Json = Readonly<Record<string, unknown>>;

/** The server that another document names by its issuer. It must say the same of itself. Throws OAuthError. */
export async function namedAuthorizationServer(
  issuer: string,
  server: URL,
  options: DiscoveryOptions,
): Promise<AuthorizationServer> {
  const url = parseEndpoint(issuer, "the authorization server", server);
  for (const place of metadataPlaces(url)) {
    const json = await getMetadata(place, url.origin === server.origin ? options : { ...options, headers: {} });
    if (json === undefined) continue;
    if (isSameIssuer(json.issuer, issuer)) return parseAuthorizationServer(json, server);
    throw new OAuthError(
      "refused",
      `"${shown(place)}" describes the issuer ${quotedValue(json.issuer)}, expected "${quoted(issuer)}"`,
    );
  }
  throw new OAuthError("bad_metadata", `The authorization server "${shown(url)}" has no metadata to be found`);
}

/**
 * The server that an MCP server without a description of its own has at its own origin, as servers of 2025 had.
 * Metadata of an issuer elsewhere is only believed from there. Undefined when there is none.
 */
export async function ownAuthorizationServer(
  server: URL,
  options: DiscoveryOptions,
): Promise<AuthorizationServer | undefined> {
  const root = new URL("/", server);
  const places = [...metadataPlaces(server), ...metadataPlaces(root)];
  for (const place of new Map(places.map((url) => [url.href, url])).values()) {
    const json = await getMetadata(place, options);
    if (json === undefined) continue;
    const { issuer } = json;
    const isOwn = typeof issuer === "string" && URL.canParse(issuer) && new URL(issuer).origin === server.origin;
    if (isOwn) return parseAuthorizationServer(json, server);
    if (typeof issuer === "string") return namedAuthorizationServer(issuer, server, options);
    throw new OAuthError("bad_metadata", `"${shown(place)}" names no issuer`);
  }
  return undefined;
}

/** Two spellings of an issuer that differ in a slash at the end are one. */
export function isSameIssuer(a: unknown, b: string): boolean {
  return typeof a === "string" && trimSlash(a) === trimSlash(b);
}

/** In the order of the MCP specification: RFC 8414, then the two places of OpenID Connect. */
function metadataPlaces(issuer: URL): URL[] {
  const path = trimSlash(issuer.pathname);
  const places = [
    `/.well-known/oauth-authorization-server${path}`,
    `/.well-known/openid-configuration${path}`,
    `${path}/.well-known/openid-configuration`,
  ];
  return [...new Set(places)].map((place) => new URL(place, issuer));
}

/** Pages that are no metadata are as good as none: some servers answer everything with one. */
async function getMetadata(place: URL, { headers, ...options }: DiscoveryOptions): Promise<Json | undefined> {
  const answer = await requestJson(place, {
    method: "GET",
    headers: { ...headers, ...DISCOVERY_HEADERS },
    ...options,
  });
  if (answer.status >= 500) throw new OAuthError("unreachable", `GET ${shown(place)} answered ${answer.status}`);
  const isMetadata = answer.status === 200 && typeof answer.json?.authorization_endpoint === "string";
  return isMetadata ? answer.json : undefined;
}

function parseAuthorizationServer(json: Json, server: URL): AuthorizationServer {
  const responseTypes = textList(json.response_types_supported);
  if (responseTypes !== undefined && !responseTypes.includes("code")) {
    throw new OAuthError("bad_metadata", 'The authorization server does not support the response type "code"');
  }
  const challengeMethods = textList(json.code_challenge_methods_supported);
  if (challengeMethods !== undefined && !challengeMethods.includes("S256")) {
    throw new OAuthError("refused", "The authorization server does not support PKCE with S256");
  }
  const registration = json.registration_endpoint;
  return {
    issuer: String(json.issuer),
    authorizationEndpoint: parseEndpoint(json.authorization_endpoint, "authorization_endpoint", server),
    tokenEndpoint: parseEndpoint(json.token_endpoint, "token_endpoint", server),
    registrationEndpoint:
      registration === undefined || registration === null
        ? undefined
        : parseEndpoint(registration, "registration_endpoint", server),
    namesIssuer: json.authorization_response_iss_parameter_supported === true,
    tokenAuthMethods: textList(json.token_endpoint_auth_methods_supported),
  };
}
