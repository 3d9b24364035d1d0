import type { McpOAuthSettings } from "#config/mcp-servers.ts";
import { assertNever, messageOf } from "#lib/errors.ts";
import { log } from "#telemetry/log.ts";
import { type CredentialStore, credentialFile } from "./credential-file.ts";
import { KEYRING } from "./credential-keyring.ts";

/** Where `mcp_oauth_credentials_store` keeps logins. */
export function credentialStore(kind: McpOAuthSettings["store"], codexHome: string): CredentialStore {
  switch (kind) {
    case "file":
      return credentialFile(codexHome);
    case "keyring":
      return KEYRING;
    case "auto":
      return keyringElse(credentialFile(codexHome));
    default:
      return assertNever(kind);
  }
}

/** The keyring where there is one, the file where not. A login in the file counts as long as the keyring has none. */
function keyringElse(file: CredentialStore): CredentialStore {
  return {
    read: async (key) => (await orUndefined(KEYRING.read(key))) ?? file.read(key),
    write: async (key, login) => {
      const isKept = await orUndefined(KEYRING.write(key, login).then(() => true));
      if (isKept) await file.remove(key);
      else await file.write(key, login);
    },
    remove: async (key) => {
      const wasInKeyring = await orUndefined(KEYRING.remove(key));
      return (await file.remove(key)) || wasInKeyring === true;
    },
  };
}

async function orUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    log("mcp", "debug", "no keyring", { error: messageOf(error) });
    return undefined;
  }
}
