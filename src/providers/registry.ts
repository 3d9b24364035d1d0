import { type Credentials, missingVariableMessage } from "#auth/credentials.ts";
import type { ProviderConfig } from "#config/providers.ts";
import type { Env } from "#lib/env.ts";
import { assertProxySupported } from "#lib/http-proxy.ts";
import type { RateLimitSnapshot } from "#protocol/usage.ts";
import type { ModelEvent, ModelFailure, ModelRequest, WireModelClient, WireTap } from "./model-client.ts";
import { isHeaderValue } from "./responses/headers.ts";
import { endpointUrl, type RequestContext, wireRequest } from "./responses/request.ts";
import { streamResponse } from "./responses/stream.ts";
import { type ClientName, osIdentity, userAgent } from "./user-agent.ts";

export interface ModelClientOptions {
  provider: ProviderConfig;
  credentials: Credentials;
  /** First word of the user agent and the `originator` header. */
  originator: string;
  /** This program's version. */
  version: string;
  /** Who uses this program, for the user agent. */
  client?: ClientName | undefined;
  /** Where provider headers and proxy settings are looked up. */
  env: Env;
}

/**
 * The client of a provider that speaks the Responses API. Throws CodexError when the proxy settings name
 * a kind of proxy that cannot be used; everything else that is wrong is told when a request is made.
 */
export function createModelClient(options: ModelClientOptions): WireModelClient {
  const { provider, credentials, originator, version, env } = options;
  const url = endpointUrl(provider, credentials);
  if (url !== undefined) assertProxySupported(url, env);
  const identity = { originator, userAgent: userAgent(originator, version, osIdentity(), env, options.client) };
  return new ResponsesClient(url, { provider, credentials, identity, env });
}

class ResponsesClient implements WireModelClient {
  readonly #url: URL | undefined;
  readonly #context: RequestContext;
  #limits: RateLimitSnapshot | undefined;

  constructor(url: URL | undefined, context: RequestContext) {
    this.#url = url;
    this.#context = context;
  }

  async *stream(
    request: ModelRequest,
    options: { signal: AbortSignal; tap?: WireTap },
  ): AsyncGenerator<readonly ModelEvent[], void, undefined> {
    const { provider, credentials } = this.#context;
    const refused = unusable(provider, credentials);
    if (this.#url === undefined || refused !== undefined) {
      yield [{ type: "failed", failure: refused ?? badAddress(provider) }];
      return;
    }
    const events = streamResponse(wireRequest(request, this.#url, this.#context), {
      maxRetries: provider.requestMaxRetries,
      idleMs: provider.streamIdleTimeoutMs,
      turn: request.turn,
      chatgptLogin: credentials.kind === "chatgpt",
      previousLimits: this.#limits,
      tap: options.tap,
      signal: options.signal,
    });
    for await (const batch of events) {
      const [first] = batch;
      if (first?.type === "rate_limits") this.#limits = first.rateLimits;
      yield batch;
    }
  }
}

/** Why no request can be made with these credentials, or undefined when one can. */
function unusable(provider: ProviderConfig, credentials: Credentials): ModelFailure | undefined {
  switch (credentials.kind) {
    case "missing_variable":
      return { retry: false, kind: "auth", message: missingVariableMessage(credentials) };
    case "api_key":
      return isHeaderValue(credentials.key) ? undefined : badKey(provider, credentials.source);
    case "chatgpt":
      return isHeaderValue(credentials.accessToken) ? undefined : badKey(provider, "auth.json");
    case "none":
      return undefined;
  }
}

function badKey(provider: ProviderConfig, source: string): ModelFailure {
  const where = source === "env_key" ? (provider.envKey ?? source) : source;
  const message = `Cannot use the API key from ${where}: it has characters that an HTTP header cannot carry. Check that it was copied whole`;
  return { retry: false, kind: "auth", message };
}

function badAddress(provider: ProviderConfig): ModelFailure {
  return {
    retry: false,
    kind: "other",
    message: `Cannot reach model provider "${provider.id}": base_url is "${provider.baseUrl}", expected an http:// or https:// address`,
  };
}
