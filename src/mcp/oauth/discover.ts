import {
  type AuthorizationServer,
  isSameIssuer,
  namedAuthorizationServer,
  ownAuthorizationServer,
} from "./authorization-server.ts";
import { assertServerAddress } from "./endpoint.ts";
import { OAuthError } from "./oauth-error.ts";
import { askForChallenge, type DiscoveryOptions, findProtectedResource } from "./resource-metadata.ts";

/** How to log in to an MCP server. */
export interface Discovery {
  authorizationServer: AuthorizationServer;
  /** Under which name tokens for it are asked for; undefined where the server does not say. */
  resource: string | undefined;
  /** Scopes the server says it needs. */
  scopes: readonly string[] | undefined;
}

/**
 * Finds out how to log in to a server, from what it answers without a login, its description (RFC 9728) and
 * the one of its authorization server (RFC 8414). Of several authorization servers the first counts, or the one
 * of `issuer`. Throws OAuthError: `unsupported` when it offers no login.
 */
export async function discover(
  server: URL,
  options: DiscoveryOptions & { issuer?: string | undefined },
): Promise<Discovery> {
  assertServerAddress(server);
  const challenge = await askForChallenge(server, options);
  const described = await findProtectedResource(server, challenge, options);
  const all = described?.authorizationServers ?? [];
  const named = all.find((name) => options.issuer !== undefined && isSameIssuer(name, options.issuer)) ?? all[0];
  const authorizationServer =
    named === undefined
      ? await ownAuthorizationServer(server, options)
      : await namedAuthorizationServer(named, server, options);
  if (authorizationServer === undefined) throw new OAuthError("unsupported", "No authorization support detected");
  const asked = challenge?.scope?.split(" ").filter((scope) => scope !== "");
  return {
    authorizationServer,
    resource: described?.resource,
    scopes: asked ?? described?.scopes,
  };
}
