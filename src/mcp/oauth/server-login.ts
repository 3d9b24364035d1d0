import type { McpServerSettings } from "#config/mcp-servers.ts";
import { raceAbort } from "#lib/abort.ts";
import { nowMs } from "#lib/clock.ts";
import { withProcessLock } from "#lib/process-lock.ts";
import { log } from "#telemetry/log.ts";
import { isSameIssuer } from "./authorization-server.ts";
import { type CredentialStore, lockPath } from "./credential-file.ts";
import { credentialStore } from "./credential-store.ts";
import { discover } from "./discover.ts";
import { OAuthError } from "./oauth-error.ts";
import { type LoginKey, type StoredLogin, storeKey } from "./stored-login.ts";
import { refreshTokens, type TokenSet } from "./token-request.ts";

/** A token that ends sooner than this is renewed before it is used, as Codex CLI does: a request takes its time. */
const RENEW_BEFORE_MS = 30_000;
/** A renewal is not given up with the request that began it: the old token may be gone already. */
const RENEWAL_LIMIT_MS = 60_000;

export interface ServerLoginOptions {
  settings: McpServerSettings;
  url: string;
  codexHome: string;
  /** Configured headers, for finding the authorization server. */
  headers: Readonly<Record<string, string>>;
  /** Hold every renewal that is under way: the authorization server may have taken the old token back already. */
  renewals: Set<Promise<unknown>>;
}

/**
 * The login of one server as its requests use it: read once, renewed when it is about to end or was refused.
 * Requests at the same time share a renewal, and so do processes.
 */
export class ServerLogin {
  readonly #options: ServerLoginOptions;
  readonly #key: LoginKey;
  readonly #store: CredentialStore;
  #login: Promise<StoredLogin | undefined> | undefined;
  #renewal: Promise<StoredLogin | undefined> | undefined;
  /** How long before its end the token of a login we renewed is renewed again. */
  readonly #renewBeforeMs = new WeakMap<StoredLogin, number>();

  constructor(options: ServerLoginOptions) {
    const { settings, url, codexHome } = options;
    this.#options = options;
    this.#key = { name: settings.name, url };
    this.#store = credentialStore(settings.oauth?.store ?? "file", codexHome);
  }

  /** The access token to send now; undefined without a login. Throws OAuthError when it has ended for good. */
  async token(signal: AbortSignal): Promise<string | undefined> {
    this.#login ??= this.#store.read(this.#key);
    const login = await raceAbort(this.#login, signal);
    if (login === undefined) return undefined;
    if (!endsWithin(login, this.#renewBeforeMs.get(login) ?? RENEW_BEFORE_MS)) return login.access_token;
    try {
      return await this.#renewed(login, signal);
    } catch (error) {
      if (!(error instanceof OAuthError) || isOver(error) || endsWithin(login, 0)) throw error;
      // The server may take it for the time it has left.
      log("mcp", "warn", "token not renewed", { server: this.#key.name, error: error.message });
      return login.access_token;
    }
  }

  /** The access token as it was last read, whatever time it has left. */
  async known(): Promise<string | undefined> {
    return (await this.#login)?.access_token;
  }

  /**
   * Another token for the one the server refused (undefined: it had none): the login of another process, or a
   * renewed one. Undefined when there is none. Throws OAuthError.
   */
  async tokenInsteadOf(refused: string | undefined, signal: AbortSignal): Promise<string | undefined> {
    const known = await raceAbort(this.#login ?? Promise.resolve(undefined), signal);
    if (known !== undefined && known.access_token !== refused) return known.access_token;
    if (known !== undefined) return this.#renewed(known, signal);
    this.#login = this.#store.read(this.#key);
    return (await raceAbort(this.#login, signal))?.access_token;
  }

  async #renewed(login: StoredLogin, signal: AbortSignal): Promise<string | undefined> {
    this.#renewal ??= this.#begin(login);
    return (await raceAbort(this.#renewal, signal))?.access_token;
  }

  #begin(login: StoredLogin): Promise<StoredLogin | undefined> {
    const { renewals } = this.#options;
    const renewal = this.#renew(login).finally(() => {
      this.#renewal = undefined;
      renewals.delete(renewal);
    });
    renewals.add(renewal);
    return renewal;
  }

  async #renew(login: StoredLogin): Promise<StoredLogin | undefined> {
    const signal = AbortSignal.timeout(RENEWAL_LIMIT_MS);
    const lock = lockPath(this.#options.codexHome, storeKey(this.#key).split("|").at(-1) ?? "");
    const renewing = withProcessLock(lock, () => this.#renewLocked(login, signal), signal);
    const renewed = await renewing;
    // One that never holds for so long would be renewed for every request.
    const half = ((renewed?.expires_at ?? Number.POSITIVE_INFINITY) - nowMs()) / 2;
    if (renewed !== undefined) this.#renewBeforeMs.set(renewed, Math.min(RENEW_BEFORE_MS, half));
    this.#login = Promise.resolve(renewed);
    return renewed;
  }

  /** Another process may have done it while we waited for the lock. */
  async #renewLocked(login: StoredLogin, signal: AbortSignal): Promise<StoredLogin | undefined> {
    const stored = await this.#store.read(this.#key);
    if (stored === undefined || stored.access_token !== login.access_token) return stored;
    try {
      const renewed = withTokens(stored, await this.#request(stored, signal));
      // Before anybody uses them: a refresh token that is lost ends the login.
      await this.#store.write(this.#key, renewed);
      log("mcp", "info", "token renewed", { server: this.#key.name });
      return renewed;
    } catch (error) {
      if (error instanceof OAuthError && isOver(error)) await this.#store.remove(this.#key);
      throw error;
    }
  }

  async #request(login: StoredLogin, signal: AbortSignal): Promise<TokenSet> {
    if (login.refresh_token === null) throw new OAuthError("invalid_grant", "The login has expired");
    const { settings, url, headers } = this.#options;
    const { authorizationServer, resource } = await discover(new URL(url), { headers, issuer: login.issuer, signal });
    // A refresh token goes to whom it came from, whatever the server says by now.
    if (login.issuer !== undefined && !isSameIssuer(authorizationServer.issuer, login.issuer)) {
      throw new OAuthError(
        "refused",
        `The login is one of "${login.issuer}", but the server names "${authorizationServer.issuer}" now`,
      );
    }
    const secret =
      login.client_secret ?? (settings.oauth?.clientId === login.client_id ? settings.oauth.clientSecret : undefined);
    const grant = { refreshToken: login.refresh_token, resource: settings.oauth?.resource ?? resource };
    return refreshTokens(authorizationServer, { id: login.client_id, secret }, grant, signal);
  }
}

/** Whether only a new login helps. */
function isOver(error: OAuthError): boolean {
  return error.failure === "invalid_grant" || error.failure === "invalid_client";
}

function endsWithin(login: StoredLogin, ms: number): boolean {
  return login.expires_at !== null && login.expires_at - ms <= nowMs();
}

/** The login with new tokens; what the answer leaves out stays as it was. */
export function withTokens(login: StoredLogin, tokens: TokenSet): StoredLogin {
  return {
    ...login,
    access_token: tokens.accessToken,
    expires_at: tokens.expiresInSec === undefined ? null : nowMs() + Math.round(tokens.expiresInSec * 1000),
    refresh_token: tokens.refreshToken ?? login.refresh_token,
    scopes: [...(tokens.scopes ?? login.scopes)],
  };
}
