import { sha256Hex } from "#lib/hash.ts";
import { isObject } from "#lib/jsonl.ts";

/** One login, in the shape of an entry of `.credentials.json`. Fields of other versions stay. */
export interface StoredLogin {
  server_name: string;
  server_url: string;
  /** Who gave the tokens; absent in logins of Codex CLI before 0.169. */
  issuer?: string;
  client_id: string;
  /** Only where the authorization server gave a client of ours one. */
  client_secret?: string;
  access_token: string;
  /** Milliseconds since the epoch; null where the server did not say. */
  expires_at: number | null;
  refresh_token: string | null;
  scopes: string[];
  [field: string]: unknown;
}

/** Which login is meant. */
export interface LoginKey {
  name: string;
  url: string;
}

/** `<name>|<16 hex>`: the hash Codex CLI makes of the address, so that logins carry over. */
export function storeKey({ name, url }: LoginKey): string {
  const hashed = JSON.stringify({ type: "http", url, headers: {} });
  return `${name}|${sha256Hex(hashed).slice(0, 16)}`;
}

/** A stored value as the login of this server; undefined for anything else, also for one of another server. */
export function parseStoredLogin(value: unknown, key: LoginKey): StoredLogin | undefined {
  if (!isObject(value) || value.server_name !== key.name || value.server_url !== key.url) return undefined;
  const { client_id, access_token, expires_at, refresh_token, scopes, issuer, client_secret } = value;
  if (typeof client_id !== "string" || typeof access_token !== "string" || access_token === "") return undefined;
  const { issuer: _issuer, client_secret: _secret, ...rest } = value;
  return {
    ...rest,
    server_name: key.name,
    server_url: key.url,
    ...(typeof issuer === "string" ? { issuer } : {}),
    client_id,
    ...(typeof client_secret === "string" ? { client_secret } : {}),
    access_token,
    expires_at: typeof expires_at === "number" ? expires_at : null,
    refresh_token: typeof refresh_token === "string" && refresh_token !== "" ? refresh_token : null,
    scopes: Array.isArray(scopes) ? scopes.filter((scope) => typeof scope === "string") : [],
  };
}
