import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { McpServerSettings, McpTransport } from "#config/mcp-servers.ts";
import { assertProxySupported } from "#lib/http-proxy.ts";
import { McpStartupError } from "./startup-error.ts";
import { MAX_MESSAGE_BYTES } from "./stdio-transport.ts";

type HttpTransport = Extract<McpTransport, { type: "http" }>;
type Environment = Readonly<Record<string, string>>;

/** Whose request it is. */
export interface HttpCaller {
  cwd: string;
  codexHome: string;
  env: Environment;
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
  const answered = async (input: string | URL, init?: RequestInit) => {
    const response = await boundedFetch(input, init);
    if (response.status !== 401 && response.status !== 403) return response;
    await response.body?.cancel();
    throw new McpStartupError(`the server answered ${response.status}: it wants a login`);
  };
  return new StreamableHTTPClientTransport(url, { requestInit: { headers }, fetch: answered }) as Transport;
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url;
  throw new McpStartupError(`url is "${text}", expected an http:// or https:// address`);
}

/** Every header of every request; variables that are not set leave theirs out. */
export function requestHeaders(name: string, settings: HttpTransport, env: Environment): Record<string, string> {
  const headers: Record<string, string> = { ...settings.httpHeaders };
  for (const [header, variable] of Object.entries(settings.envHttpHeaders)) {
    const value = env[variable];
    if (value !== undefined && value.trim() !== "") headers[header] = value;
  }
  const variable = settings.bearerTokenEnvVar;
  if (variable === undefined) return headers;
  const token = env[variable];
  if (token === undefined)
    throw new McpStartupError(`Environment variable ${variable} for MCP server '${name}' is not set`);
  if (token.trim() === "")
    throw new McpStartupError(`Environment variable ${variable} for MCP server '${name}' is empty`);
  return { ...headers, authorization: `Bearer ${token}` };
}

/** The answer to one message may not fill our memory. The stream a GET opens lives long and is read bit by bit. */
async function boundedFetch(url: string | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  if (init?.method !== "POST" || response.body === null) return response;
  let bytes = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.length;
      if (bytes > MAX_MESSAGE_BYTES)
        controller.error(new Error(`the answer is longer than ${MAX_MESSAGE_BYTES} bytes`));
      else controller.enqueue(chunk);
    },
  });
  const { status, statusText, headers } = response;
  const bounded = new Response(response.body.pipeThrough(counter), { status, statusText, headers });
  Object.defineProperty(bounded, "url", { value: response.url });
  return bounded;
}
