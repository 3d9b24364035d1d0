import { createHash } from "node:crypto";
import { randomToken } from "#lib/ids.ts";

/** What is sent to the authorization server by way of the browser, and what must come back or be shown later. */
export interface AuthorizationRequest {
  url: URL;
  /** Comes back with the answer; no other answer is ours. */
  state: string;
  /** Proves to the token endpoint that we are who asked (PKCE). */
  verifier: string;
}

/** Bytes of chance: RFC 7636 wants 32 for a verifier; a state has 16, as everywhere. */
const VERIFIER_BYTES = 32;
const STATE_BYTES = 16;

/** A new request with PKCE (S256) and state. Parameters the endpoint's address has of its own stay. */
export function authorizationRequest(
  endpoint: URL,
  options: { clientId: string; redirectUri: string; scope: string | undefined; resource: string | undefined },
): AuthorizationRequest {
  const verifier = randomToken(VERIFIER_BYTES);
  const state = randomToken(STATE_BYTES);
  const url = new URL(endpoint);
  const parameters = {
    response_type: "code",
    client_id: options.clientId,
    state,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
    redirect_uri: options.redirectUri,
    scope: options.scope,
    resource: options.resource,
  };
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value);
  return { url, state, verifier };
}
