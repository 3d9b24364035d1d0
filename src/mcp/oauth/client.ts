import type { McpOAuthSettings } from "#config/mcp-servers.ts";
import type { AuthorizationServer } from "./authorization-server.ts";
import { textOf } from "./metadata-fields.ts";
import { OAuthError, quoted } from "./oauth-error.ts";
import { requestJson } from "./request-json.ts";

/** Who we are at an authorization server. */
export interface OAuthClient {
  id: string;
  /** Undefined for a public client, which is what we ask to be. */
  secret: string | undefined;
}

/** The configured client, or a new one that the authorization server is asked to register. Throws OAuthError. */
export async function clientFor(
  server: AuthorizationServer,
  settings: Pick<McpOAuthSettings, "clientId" | "clientSecret">,
  options: { redirectUri: string; scope: string | undefined; signal: AbortSignal },
): Promise<OAuthClient> {
  if (settings.clientId !== undefined) return { id: settings.clientId, secret: settings.clientSecret };
  if (server.registrationEndpoint === undefined) {
    throw new OAuthError(
      "unsupported",
      `The authorization server "${quoted(server.issuer)}" does not register clients by itself. Register one there with the address ${options.redirectUri} and name it in oauth.client_id`,
    );
  }
  return register(server.registrationEndpoint, options);
}

/** Dynamic registration (RFC 7591). */
async function register(
  endpoint: URL,
  { redirectUri, scope, signal }: { redirectUri: string; scope: string | undefined; signal: AbortSignal },
): Promise<OAuthClient> {
  const body = JSON.stringify({
    client_name: "Codex",
    redirect_uris: [redirectUri],
    grant_types: ["authorization_code", "refresh_token"],
    token_endpoint_auth_method: "none",
    response_types: ["code"],
    ...(scope === undefined ? {} : { scope }),
  });
  const headers = { "content-type": "application/json" };
  const { status, json } = await requestJson(endpoint, { method: "POST", headers, body, signal });
  const [id, secret] = [textOf(json?.client_id), textOf(json?.client_secret)];
  if (status >= 200 && status < 300 && id !== undefined) {
    if (isPlain(id) && isPlain(secret ?? "")) return { id, secret };
    throw new OAuthError("bad_metadata", "The authorization server gave a client_id or secret that cannot be sent");
  }
  const words = textOf(json?.error_description) ?? textOf(json?.error) ?? "no client_id in the answer";
  throw new OAuthError("denied", `The authorization server did not register us: ${status} ${quoted(words)}`);
}

/** What ids and secrets consist of (RFC 6749, appendix A). */
function isPlain(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}
