import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { McpServerSettings, McpTransport } from "#config/mcp-servers.ts";
import { assertProxySupported } from "#lib/http-proxy.ts";
import type { OrphanWatch } from "#process/orphan-watch.ts";
import { authorizedFetch } from "./authorized-fetch.ts";
import { boundedFetch } from "./bounded-fetch.ts";
import { headersFromHelper } from "./headers-helper.ts";
import { isServerAddress } from "./oauth/endpoint.ts";
import { ServerLogin, type ServerLoginOptions } from "./oauth/server-login.ts";
import { publicAddress } from "./public-address.ts";
import { hasAuthorization, requestHeaders } from "./request-headers.ts";
import type { SentSecrets } from "./sent-secrets.ts";
import { passedEnvironment } from "./server-env.ts";
import { McpStartupError } from "./startup-error.ts";

type HttpTransport = Extract<McpTransport, { type: "http" }>;
type Environment = Readonly<Record<string, string>>;

/** Whose request it is. */
export interface HttpCaller {
  cwd: string;
  codexHome: string;
  env: Environment;
  watch: OrphanWatch;
  /** Hold the renewals of logins that are under way. */
  renewals: Set<Promise<unknown>>;
  /** Is told of every value of a header that goes out. */
  sent: SentSecrets;
  /** Hears when the response to a request has been read to its end, with the request's id. */
  onAnswerOver: (id: number) => void;
}

/**
 * Streamable HTTP with the configured headers. Redirects are followed within the server's own origin only, so
 * that neither a token nor a header ever reaches another. Throws McpStartupError for a bad address and for a
 * bearer token that is not there.
 */
export function httpTransport(settings: McpServerSettings, at: HttpTransport, caller: HttpCaller): Transport {
  const url = parseUrl(at.url);
  assertProxySupported(url, caller.env);
  const headers = requestHeaders(settings.name, at, caller.env);
  const identity = {
    name: settings.name,
    url,
    headers: withHelper(headers, at.httpHeadersHelper, caller),
    login: loginFor(url, settings, at, { codexHome: caller.codexHome, renewals: caller.renewals, headers }),
    sent: caller.sent,
  };
  return new StreamableHTTPClientTransport(url, {
    fetch: authorizedFetch(identity, boundedFetch(caller.onAnswerOver)),
  }) as Transport;
}

/** A helper runs once for a connection; what it prints wins. */
function withHelper(
  headers: Readonly<Record<string, string>>,
  helper: string | undefined,
  { cwd, env, watch }: Pick<HttpCaller, "cwd" | "env" | "watch">,
): () => Promise<Readonly<Record<string, string>>> {
  let printed: Promise<Record<string, string>> | undefined;
  return async () => {
    if (helper === undefined) return headers;
    printed ??= headersFromHelper(helper, { cwd, env: passedEnvironment(env), watch });
    return overlaid(headers, await printed);
  };
}

/** Names of headers have no case. */
function overlaid(below: Readonly<Record<string, string>>, above: Readonly<Record<string, string>>) {
  const names = new Set(Object.keys(above).map((name) => name.toLowerCase()));
  const kept = Object.entries(below).filter(([name]) => !names.has(name.toLowerCase()));
  return { ...Object.fromEntries(kept), ...above };
}

/** Undefined where there can be none: a configured token comes first, and no token goes over plain http. */
function loginFor(
  url: URL,
  settings: McpServerSettings,
  at: HttpTransport,
  options: Pick<ServerLoginOptions, "codexHome" | "headers" | "renewals">,
): ServerLogin | undefined {
  if (settings.oauth === undefined || hasAuthorization(options.headers) || !isServerAddress(url)) return undefined;
  return new ServerLogin({ settings, url: at.url, ...options });
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url;
  throw new McpStartupError(`url is "${publicAddress(text)}", expected an http:// or https:// address`);
}
