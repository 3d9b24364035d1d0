import { CodexError, messageOf } from "#lib/errors.ts";
import { isObject, parseJsonObject } from "#lib/jsonl.ts";
import type { CredentialStore } from "./credential-file.ts";
import { type LoginKey, parseStoredLogin, type StoredLogin, storeKey } from "./stored-login.ts";

/** The name Codex CLI keeps its logins under. */
const SERVICE = "Codex MCP Credentials";

/** The keyring of the system. Every use of it throws a CodexError where there is none. */
export const KEYRING: CredentialStore = {
  read: async (key) => {
    const text = await using("read OAuth tokens from", () => Bun.secrets.get(entry(key)));
    return text === null ? undefined : parseEntry(text, key);
  },
  write: async (key, login) => {
    const value = JSON.stringify(keyringEntry(login));
    await using("write OAuth tokens to", () => Bun.secrets.set({ ...entry(key), value }));
  },
  remove: (key) => using("delete OAuth tokens from", () => Bun.secrets.delete(entry(key))),
};

function entry(key: LoginKey): { service: string; name: string } {
  return { service: SERVICE, name: storeKey(key) };
}

async function using<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new CodexError(
      "mcp_keyring",
      `failed to ${what} keyring: ${messageOf(error).trim()}. Set mcp_oauth_credentials_store = "file" to keep logins in a file`,
    );
  }
}

/** Codex CLI keeps the token endpoint's answer as it was; so logins carry over where keyrings are shared. */
function keyringEntry(login: StoredLogin): Record<string, unknown> {
  const { server_url, access_token, refresh_token, scopes, ...rest } = login;
  return {
    ...rest,
    url: server_url,
    token_response: {
      access_token,
      token_type: "bearer",
      ...(refresh_token === null ? {} : { refresh_token }),
      ...(scopes.length === 0 ? {} : { scope: scopes.join(" ") }),
    },
  };
}

function parseEntry(text: string, key: LoginKey): StoredLogin | undefined {
  const { url, token_response: tokens, ...rest } = parseJsonObject(text) ?? {};
  if (!isObject(tokens)) return undefined;
  const { access_token, refresh_token, scope } = tokens;
  const scopes = typeof scope === "string" ? scope.split(" ") : [];
  return parseStoredLogin({ ...rest, server_url: url, access_token, refresh_token, scopes }, key);
}
