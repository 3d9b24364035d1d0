import { NEVER } from "#lib/abort.ts";
import { parseChallenge } from "./oauth/challenge.ts";
import { OAuthError } from "./oauth/oauth-error.ts";
import type { ServerLogin } from "./oauth/server-login.ts";
import { hasAuthorization, USER_AGENT } from "./request-headers.ts";
import type { SentSecrets } from "./sent-secrets.ts";
import { McpStartupError } from "./startup-error.ts";

export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

/** What requests to a server carry. */
export interface RequestIdentity {
  name: string;
  /** The server's own address: nothing secret goes to another origin. */
  url: URL;
  /** Configured headers; those of a helper take their time. */
  headers: () => Promise<Readonly<Record<string, string>>>;
  /** Undefined where a login cannot be used. */
  login: ServerLogin | undefined;
  /** Is told of every value that goes out. */
  sent: SentSecrets;
}

/**
 * `send` with the configured headers and the login's token. A refused token is renewed once and the request
 * repeated. An answer of 401 or 403 that remains is thrown as the McpStartupError that says what to do.
 */
export function authorizedFetch(identity: RequestIdentity, send: Fetch): Fetch {
  return async (url, init) => {
    const configured = await identity.headers();
    for (const value of Object.values(configured)) identity.sent.add(value);
    const isOwn = new URL(url).origin === identity.url.origin;
    const login = isOwn && !hasAuthorization(configured) ? identity.login : undefined;
    const signal = init?.signal ?? NEVER;
    const attempt = (value: string | undefined) => {
      if (value !== undefined) identity.sent.add(value);
      return send(url, withHeaders(init, configured, value));
    };
    // A goodbye is not worth a renewal, which the end of the process could tear apart.
    if (init?.method === "DELETE") return attempt(await login?.known());
    const token = await orLoginNeeded(identity, () => login?.token(signal));
    const first = await attempt(token);
    if (first.status !== 401 || login === undefined) return accepted(identity, first, configured, token);
    const other = await orLoginNeeded(identity, () => login.tokenInsteadOf(token, signal));
    if (other === undefined || other === token) return accepted(identity, first, configured, token);
    await first.body?.cancel();
    return accepted(identity, await attempt(other), configured, other);
  };
}

function withHeaders(
  init: RequestInit | undefined,
  configured: Readonly<Record<string, string>>,
  token: string | undefined,
): RequestInit {
  const headers = new Headers(init?.headers);
  for (const [name, value] of Object.entries(configured)) if (!headers.has(name)) headers.set(name, value);
  if (!headers.has("user-agent")) headers.set("user-agent", USER_AGENT);
  if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
  return { ...init, headers };
}

async function orLoginNeeded<T>({ name }: RequestIdentity, work: () => Promise<T> | undefined): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    const login = `\`codex mcp login ${name}\``;
    // Where only a new login helps. What else stands in the way of a renewal may pass.
    const isOver =
      error.failure === "invalid_grant" || error.failure === "invalid_client" || error.failure === "refused";
    if (isOver) throw new McpStartupError(`the login has ended: ${error.message}. Run ${login}`);
    throw new McpStartupError(`the login could not be renewed: ${error.message}. If it stays so, run ${login}`);
  }
}

async function accepted(
  { name }: RequestIdentity,
  response: Response,
  configured: Readonly<Record<string, string>>,
  token: string | undefined,
): Promise<Response> {
  const { status, headers } = response;
  if (status !== 401 && status !== 403) return response;
  await response.body?.cancel();
  const login = `Run \`codex mcp login ${name}\``;
  if (hasAuthorization(configured)) throw refusal(status, "it refuses the configured token");
  const challenge = parseChallenge(headers.get("www-authenticate"));
  if (status === 403 && token !== undefined) {
    const scopes = challenge?.scope?.split(" ").join(",") ?? "";
    // The person may take the line to a shell.
    if (!/^[\w.:/,-]{1,300}$/.test(scopes)) throw refusal(status, "the login may not do this");
    throw refusal(status, `the login lacks a scope. ${login.slice(0, -1)} --scopes ${scopes}\``);
  }
  throw refusal(status, token === undefined ? `it wants a login. ${login}` : `it refuses the login. ${login}`);
}

function refusal(status: number, what: string): McpStartupError {
  return new McpStartupError(`the server answered ${status}: ${what}`);
}
