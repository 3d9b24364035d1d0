import type { McpServerSettings } from "#config/mcp-servers.ts";
import { raceAbort } from "#lib/abort.ts";
import { judgeAnswer } from "./authorization-answer.ts";
import { authorizationRequest } from "./authorization-request.ts";
import { listenForCallback } from "./callback-listener.ts";
import { clientFor } from "./client.ts";
import { credentialStore } from "./credential-store.ts";
import { type Discovery, discover } from "./discover.ts";
import { serverAddress } from "./endpoint.ts";
import { OAuthError } from "./oauth-error.ts";
import { withTokens } from "./server-login.ts";
import type { LoginKey } from "./stored-login.ts";
import { exchangeCode } from "./token-request.ts";

/** How long the browser may take to come back: a person finds a password in it, and a script does not wait for ever. */
const ANSWER_LIMIT_MS = 300_000;

export interface LoginOptions {
  settings: McpServerSettings;
  url: string;
  codexHome: string;
  /** Configured headers, for finding the authorization server. */
  headers: Readonly<Record<string, string>>;
  /** Scopes to ask for; undefined for the configured ones, else those the server says it needs. */
  scopes: readonly string[] | undefined;
  /** Hears that the server offers a login. */
  onFound?: () => void;
  /** Hears the address the person has to open. */
  onUrl: (url: string) => void;
  /** Addresses the person brings from a browser on another machine. */
  pasted?: AsyncIterable<string>;
  answerLimitMs?: number;
  signal: AbortSignal;
}

/** Logs in to a server and stores the tokens. Throws OAuthError or CodexError, with nothing stored. */
export async function login(options: LoginOptions): Promise<void> {
  const { settings, url, codexHome, headers, signal } = options;
  const key: LoginKey = { name: settings.name, url };
  const store = credentialStore(settings.oauth?.store ?? "file", codexHome);
  const discovery = await discover(serverAddress(url), { headers, signal });
  options.onFound?.();
  // Nobody shall log in for a store that cannot be read.
  await store.read(key);
  const { authorizationServer } = discovery;
  const scope = scopeOf(options, discovery);
  const resource = settings.oauth?.resource ?? discovery.resource;
  await using listener = listenForCallback({ port: settings.oauth?.callbackPort, url: settings.oauth?.callbackUrl });
  const { redirectUri } = listener;
  const configured = { clientId: settings.oauth?.clientId, clientSecret: settings.oauth?.clientSecret };
  const client = await clientFor(authorizationServer, configured, { redirectUri, scope, signal });
  const asked = { clientId: client.id, redirectUri, scope, resource };
  const request = authorizationRequest(authorizationServer.authorizationEndpoint, asked);
  const expected = {
    state: request.state,
    issuer: authorizationServer.issuer,
    namesIssuer: authorizationServer.namesIssuer,
  };
  const answered = listener.code(expected);
  options.onUrl(request.url.href);
  const code = await answerInTime(
    options.pasted === undefined ? [answered] : [answered, pastedCode(options.pasted, expected)],
    options,
  );
  const grant = { code, verifier: request.verifier, redirectUri, resource };
  const tokens = await exchangeCode(authorizationServer, client, grant, signal);
  const granted = {
    server_name: key.name,
    server_url: key.url,
    issuer: authorizationServer.issuer,
    client_id: client.id,
    ...(client.secret === undefined || settings.oauth?.clientId !== undefined ? {} : { client_secret: client.secret }),
    access_token: "",
    expires_at: null,
    refresh_token: null,
    scopes: scope?.split(" ") ?? [],
  };
  await store.write(key, withTokens(granted, tokens));
}

function scopeOf({ scopes, settings }: LoginOptions, discovery: Discovery): string | undefined {
  const wanted = scopes ?? settings.scopes ?? discovery.scopes ?? [];
  return wanted.length === 0 ? undefined : wanted.join(" ");
}

async function answerInTime(answers: readonly Promise<string>[], options: LoginOptions): Promise<string> {
  const limitMs = options.answerLimitMs ?? ANSWER_LIMIT_MS;
  const limit = new AbortController();
  const reason = new OAuthError("unreachable", `timed out waiting for OAuth callback after ${limitMs / 1000} seconds`);
  const timer = setTimeout(() => limit.abort(reason), limitMs);
  try {
    return await raceAbort(Promise.race(answers), AbortSignal.any([options.signal, limit.signal]));
  } finally {
    clearTimeout(timer);
  }
}

/** The code in the first pasted address that is an answer to our request; never resolves without one. */
async function pastedCode(lines: AsyncIterable<string>, expected: Parameters<typeof judgeAnswer>[1]): Promise<string> {
  for await (const line of lines) {
    const text = line.trim();
    const answer = URL.canParse(text) ? judgeAnswer(new URL(text).searchParams, expected) : undefined;
    if (answer?.type === "failed") throw answer.error;
    if (answer?.type === "code") return answer.code;
  }
  return new Promise(() => {});
}
