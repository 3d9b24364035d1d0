import type { Settings } from "#config/resolve.ts";
import { OWN_CREDENTIAL_NAMES } from "#process/env-policy.ts";

/** Every environment variable that carries a credential of ours: for any configured provider, not only the one in use. */
export function credentialNames(settings: Settings): string[] {
  const ofProviders = Object.values(settings.providers).flatMap((provider) => [
    ...(provider.envKey === undefined ? [] : [provider.envKey]),
    ...Object.values(provider.envHttpHeaders),
  ]);
  return [...new Set([...OWN_CREDENTIAL_NAMES, ...ofProviders])];
}
