import type { AuthorizationServer } from "./authorization-server.ts";
import type { OAuthClient } from "./client.ts";
import { textOf } from "./metadata-fields.ts";
import { OAuthError, type OAuthFailure, quoted } from "./oauth-error.ts";
import { requestJson } from "./request-json.ts";

/** What a token endpoint gives. */
export interface TokenSet {
  accessToken: string;
  /** Undefined where the server does not say how long the token holds. */
  expiresInSec: number | undefined;
  /** Undefined where none is given; after a refresh the old one holds on. */
  refreshToken: string | undefined;
  /** Undefined where it is what was asked for. */
  scopes: readonly string[] | undefined;
}

type Server = Pick<AuthorizationServer, "tokenEndpoint" | "tokenAuthMethods">;

/** Trades the code of an authorization answer for tokens. Throws OAuthError. */
export function exchangeCode(
  server: Server,
  client: OAuthClient,
  grant: { code: string; verifier: string; redirectUri: string; resource: string | undefined },
  signal: AbortSignal,
): Promise<TokenSet> {
  const form = {
    grant_type: "authorization_code",
    code: grant.code,
    code_verifier: grant.verifier,
    redirect_uri: grant.redirectUri,
    resource: grant.resource,
  };
  return requestTokens(server, client, form, { secrets: [grant.code, grant.verifier], signal });
}

/** Trades a refresh token for new tokens. Throws OAuthError; `invalid_grant` when the token is no more. */
export function refreshTokens(
  server: Server,
  client: OAuthClient,
  grant: { refreshToken: string; resource: string | undefined },
  signal: AbortSignal,
): Promise<TokenSet> {
  const form = { grant_type: "refresh_token", refresh_token: grant.refreshToken, resource: grant.resource };
  return requestTokens(server, client, form, { secrets: [grant.refreshToken], signal });
}

async function requestTokens(
  server: Server,
  client: OAuthClient,
  form: Readonly<Record<string, string | undefined>>,
  { secrets, signal }: { secrets: readonly string[]; signal: AbortSignal },
): Promise<TokenSet> {
  const { headers, fields } = proveClient(client, server.tokenAuthMethods);
  const body = new URLSearchParams(
    Object.entries({ ...form, ...fields }).filter((field): field is [string, string] => field[1] !== undefined),
  ).toString();
  const { status, json } = await requestJson(server.tokenEndpoint, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    body,
    signal,
  });
  if (status === 200 && json?.error === undefined) return parseTokenSet(json ?? {});
  const proof = client.secret === undefined ? [] : [client.secret, ...Object.values(headers)];
  throw refusal(status, json ?? {}, [...secrets, ...proof]);
}

/** A secret goes into the header, as every server must understand, unless this one only takes it in the form. */
function proveClient(
  { id, secret }: OAuthClient,
  methods: readonly string[] | undefined,
): { headers: Record<string, string>; fields: Record<string, string> } {
  if (secret === undefined) return { headers: {}, fields: { client_id: id } };
  const isForm = methods?.includes("client_secret_post") === true && !methods.includes("client_secret_basic");
  if (isForm) return { headers: {}, fields: { client_id: id, client_secret: secret } };
  const credentials = Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString("base64");
  return { headers: { authorization: `Basic ${credentials}` }, fields: {} };
}

function parseTokenSet(json: Readonly<Record<string, unknown>>): TokenSet {
  const accessToken = textOf(json.access_token);
  // Header values take visible ASCII only, and a token is one word of it (RFC 6750).
  if (accessToken === undefined || !/^[\x21-\x7e]+$/.test(accessToken)) {
    throw new OAuthError("bad_metadata", "The authorization server gave no access token that could be used");
  }
  const type = textOf(json.token_type) ?? "Bearer";
  if (type.toLowerCase() !== "bearer") {
    throw new OAuthError(
      "bad_metadata",
      `The authorization server gave a token of type "${quoted(type)}", expected Bearer`,
    );
  }
  return {
    accessToken,
    expiresInSec: lifetimeSec(json.expires_in),
    refreshToken: textOf(json.refresh_token),
    scopes: textOf(json.scope)
      ?.split(" ")
      .filter((scope) => scope !== ""),
  };
}

/** Longer than any token is good for; Codex CLI reads no time from the file that is no whole number of milliseconds. */
const LONGEST_LIFETIME_SEC = 100 * 366 * 24 * 3600;

/** A token that is over before it is used would be renewed for every request: it holds until it is refused. */
function lifetimeSec(value: unknown): number | undefined {
  const seconds = typeof value === "number" || typeof value === "string" ? Number(value) : Number.NaN;
  return seconds > 0 ? Math.min(seconds, LONGEST_LIFETIME_SEC) : undefined;
}

function refusal(status: number, json: Readonly<Record<string, unknown>>, secrets: readonly string[]): OAuthError {
  const error = textOf(json.error);
  const description = textOf(json.error_description);
  const words = [error, description].filter((text) => text !== undefined).join(": ");
  const safe = secrets.flatMap(spellings).reduce((text, secret) => text.replaceAll(secret, "…"), words);
  const failure: OAuthFailure =
    error === "invalid_grant" || error === "invalid_client" ? error : status >= 500 ? "unreachable" : "denied";
  return new OAuthError(
    failure,
    `The authorization server gave no token: ${safe === "" ? `status ${status}` : quoted(safe)}`,
  );
}

/** As it is, and as a form has it. */
function spellings(secret: string): string[] {
  return [secret, new URLSearchParams([["", secret]]).toString().slice(1)];
}
