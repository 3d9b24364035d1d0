import type { ProviderConfig } from "#config/providers.ts";
import { type Env, envVar } from "#lib/env.ts";
import type { AuthFile } from "./auth-file.ts";
import type { Credentials, KeySource } from "./credentials.ts";
import { readAuthFile } from "./store.ts";

/**
 * The credential for a provider: its `env_key`, its `experimental_bearer_token`, CODEX_API_KEY, then
 * auth.json. OPENAI_API_KEY in the environment is not one. Throws CodexError when auth.json is consulted
 * and cannot be read.
 */
export function resolveCredentials(options: {
  codexHome: string;
  env: Env;
  provider: Pick<ProviderConfig, "envKey" | "envKeyInstructions" | "bearerToken">;
}): Credentials {
  const { env, provider } = options;
  if (provider.envKey !== undefined) {
    return (
      apiKey(envVar(provider.envKey, env), "env_key") ?? {
        kind: "missing_variable",
        variable: provider.envKey,
        instructions: provider.envKeyInstructions,
      }
    );
  }
  return (
    apiKey(provider.bearerToken, "experimental_bearer_token") ??
    apiKey(envVar("CODEX_API_KEY", env), "CODEX_API_KEY") ??
    credentialsOf(readAuthFile(options.codexHome))
  );
}

/** What a stored login amounts to. `auth_mode` decides; without it a key counts before tokens. */
function credentialsOf(auth: AuthFile | undefined): Credentials {
  const key = apiKey(auth?.OPENAI_API_KEY ?? undefined, "auth.json");
  if (key !== undefined && auth?.auth_mode !== "chatgpt") return key;
  const accessToken = auth?.tokens?.access_token?.trim();
  if (accessToken) return { kind: "chatgpt", accessToken, accountId: auth?.tokens?.account_id ?? undefined };
  return key ?? { kind: "none" };
}

function apiKey(text: string | undefined, source: KeySource): Credentials | undefined {
  const key = text?.trim();
  return key ? { kind: "api_key", key, source } : undefined;
}
