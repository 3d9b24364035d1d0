import type { Settings } from "#config/resolve.ts";
import { OWN_CREDENTIAL_NAMES } from "#process/env-policy.ts";

/**
 * Every environment variable that carries a credential of ours: for any configured provider and MCP server, not only
 * for those in use.
 */
export function credentialNames(settings: Settings): string[] {
  const ofProviders = Object.values(settings.providers).flatMap((provider) => [
    ...(provider.envKey === undefined ? [] : [provider.envKey]),
    ...Object.values(provider.envHttpHeaders),
  ]);
  const ofServers = settings.mcpServers.flatMap(({ transport }) =>
    transport.type === "http"
      ? [transport.bearerTokenEnvVar ?? [], Object.values(transport.envHttpHeaders)].flat()
      : [],
  );
  return [...new Set([...OWN_CREDENTIAL_NAMES, ...ofProviders, ...ofServers])];
}
