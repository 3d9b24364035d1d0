import type { McpServerSettings } from "#config/mcp-servers.ts";
import { nowMs } from "#lib/clock.ts";
import { hasAuthorization } from "../request-headers.ts";
import { credentialStore } from "./credential-store.ts";
import { discover } from "./discover.ts";

/** How a server knows us, as `codex mcp list --json` says it. */
export type McpAuthStatus = "unsupported" | "bearer_token" | "o_auth" | "not_logged_in";

/**
 * Looks a server's login up and, where there is none, asks the server whether it offers one. A server that
 * cannot be asked offers none. Throws CodexError when the store cannot be read.
 */
export async function authStatus(
  settings: McpServerSettings,
  options: { codexHome: string; headers: Readonly<Record<string, string>>; signal: AbortSignal },
): Promise<McpAuthStatus> {
  const { transport } = settings;
  if (transport.type === "stdio") return "unsupported";
  if (transport.bearerTokenEnvVar !== undefined || hasAuthorization(options.headers)) return "bearer_token";
  const store = credentialStore(settings.oauth?.store ?? "file", options.codexHome);
  const login = await store.read({ name: settings.name, url: transport.url });
  const isOver = login?.expires_at != null && login.expires_at <= nowMs() && login.refresh_token === null;
  if (login !== undefined) return isOver ? "not_logged_in" : "o_auth";
  if (!settings.enabled || !URL.canParse(transport.url)) return "unsupported";
  return discover(new URL(transport.url), { headers: options.headers, signal: options.signal }).then(
    () => "not_logged_in",
    () => "unsupported",
  );
}
