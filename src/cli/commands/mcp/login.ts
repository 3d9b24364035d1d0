import { environment } from "#lib/env.ts";
import { CodexError } from "#lib/errors.ts";
import { codexHome } from "#lib/home.ts";
import { writeStderr, writeStdout } from "#lib/stdio.ts";
import { credentialStore } from "#mcp/oauth/credential-store.ts";
import { login } from "#mcp/oauth/login.ts";
import { OAuthError } from "#mcp/oauth/oauth-error.ts";
import { configuredHeaders } from "#mcp/request-headers.ts";
import { type ConfiguredServer, type McpOptions, serverNamed } from "./configured.ts";
import { hasBrowser, openBrowser } from "./open-browser.ts";

export interface LoginFlags {
  /** Separated by commas. */
  scopes?: string;
  /** False for `--no-browser`. */
  browser?: boolean;
  oauthClientRegistration?: string;
}

/** `codex mcp login NAME`. Resolves to the exit code; throws a CodexError when nobody is logged in at the end. */
export async function loginTo(name: string, options: McpOptions & LoginFlags): Promise<number> {
  const server = await serverNamed(name, options);
  if (server.settings.transport.type === "stdio") {
    throw new CodexError("mcp_login", "OAuth login is only supported for streamable HTTP servers.");
  }
  try {
    await runLogin(server, options);
  } catch (error) {
    throw loginError(name, error);
  }
  writeStdout(`\nSuccessfully logged in to MCP server '${name}'.\n`);
  return 0;
}

/** The login of a server reached over HTTP, with what the person gets to see. Throws OAuthError. */
export async function runLogin(
  { settings }: ConfiguredServer,
  flags: LoginFlags,
  onFound: () => void = () => {},
): Promise<void> {
  const { name, transport } = settings;
  if (transport.type === "stdio") return;
  const scopes = flags.scopes?.split(",").flatMap((scope) => (scope.trim() === "" ? [] : [scope.trim()]));
  await login({
    settings: withRegistration(settings, flags.oauthClientRegistration),
    url: transport.url,
    codexHome: codexHome(),
    headers: configuredHeaders(transport, environment()),
    scopes,
    onFound,
    onUrl: (url) => {
      writeStdout(`Authorize \`${name}\` by opening this URL in your browser:\n${url}\n`);
      if (flags.browser !== false && hasBrowser()) openBrowser(url);
      if (flags.browser === false) writeStderr("If it ends at a page that cannot be shown, paste its address here.\n");
    },
    ...(flags.browser === false ? { pasted: console } : {}),
    signal: new AbortController().signal,
  });
}

/** Words for a person; the exact ones of Codex CLI where a server has no login. */
export function loginError(name: string, error: unknown): unknown {
  if (!(error instanceof OAuthError)) return error;
  const prefix = error.failure === "unsupported" ? "" : `Cannot log in to '${name}': `;
  return new CodexError("mcp_login", prefix + error.message);
}

function withRegistration(
  settings: ConfiguredServer["settings"],
  registration: string | undefined,
): ConfiguredServer["settings"] {
  if (registration === "cimd") {
    throw new OAuthError(
      "unsupported",
      "Clients named by a metadata document (cimd) are not supported; use dcr or --oauth-client-id",
    );
  }
  if (registration !== "dcr" || settings.oauth === undefined) return settings;
  return { ...settings, oauth: { ...settings.oauth, clientId: undefined, clientSecret: undefined } };
}

/** `codex mcp logout NAME`. Resolves to the exit code. */
export async function logout(name: string, options: McpOptions): Promise<number> {
  const { settings } = await serverNamed(name, options, " in configuration");
  const { transport } = settings;
  if (transport.type === "stdio") {
    throw new CodexError("mcp_logout", "OAuth logout is only supported for streamable_http transports.");
  }
  const store = credentialStore(settings.oauth?.store ?? "file", codexHome());
  const wasThere = await store.remove({ name, url: transport.url }).catch((error: unknown) => {
    if (!(error instanceof CodexError)) throw error;
    throw new CodexError("mcp_logout", `failed to delete OAuth credentials: ${error.message}`);
  });
  writeStdout(wasThere ? `Removed OAuth credentials for '${name}'.\n` : `No OAuth credentials stored for '${name}'.\n`);
  return 0;
}
