import type { Credentials } from "#auth/credentials.ts";
import type { ProviderConfig } from "#config/providers.ts";
import type { Env } from "#lib/env.ts";
import { wellFormedJson } from "#lib/jsonl.ts";
import { isAzure } from "../azure.ts";
import type { ModelRequest } from "../model-client.ts";
import { type ClientIdentity, requestHeaders } from "./headers.ts";
import { wireItem } from "./wire-item.ts";

/** Everything that turns a ModelRequest into bytes, the same for all requests of a client. */
export interface RequestContext {
  provider: ProviderConfig;
  credentials: Credentials;
  identity: ClientIdentity;
  /** Where `env_http_headers` are looked up. */
  env: Env;
}

/** One HTTP request, ready to send. */
export interface WireRequest {
  method: "POST";
  url: string;
  headers: Record<string, string>;
  /** JSON text. */
  body: string;
}

const API_KEY_BASE = "https://api.openai.com/v1";
const CHATGPT_BASE = "https://chatgpt.com/backend-api/codex";

/** The HTTP request for one sampling request, as 0.101 sends it. `url` comes from `endpointUrl`. */
export function wireRequest(request: ModelRequest, url: URL, context: RequestContext): WireRequest {
  return {
    method: "POST",
    url: url.href,
    headers: requestHeaders(request, context),
    body: requestBody(request, isAzure(context.provider)),
  };
}

/**
 * The address of the provider's `responses` endpoint, or undefined when its `base_url` is not an http(s)
 * one. Without a `base_url` the credentials decide which of OpenAI's addresses it is.
 */
export function endpointUrl(provider: ProviderConfig, credentials: Credentials): URL | undefined {
  const base = provider.baseUrl ?? (credentials.kind === "chatgpt" ? CHATGPT_BASE : API_KEY_BASE);
  const url = URL.parse(base);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) return undefined;
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/responses`;
  for (const [name, value] of Object.entries(provider.queryParams)) url.searchParams.set(name, value);
  return url;
}

/** The body as JSON, keys in the order of 0.101. `stored`: the server keeps responses and wants item ids. */
export function requestBody(request: ModelRequest, stored: boolean): string {
  const reasoning = reasoningOf(request);
  const text = textOf(request);
  const before = wellFormedJson({
    model: request.model.slug,
    instructions: request.instructions,
    input: request.input.map((item) => wireItem(item, stored)),
  });
  const after = wellFormedJson({
    tool_choice: "auto",
    parallel_tool_calls: request.parallelToolCalls,
    reasoning,
    store: stored,
    stream: true,
    include: reasoning === null ? [] : ["reasoning.encrypted_content"],
    prompt_cache_key: request.threadId,
    ...(text === undefined ? {} : { text }),
    ...(request.maxOutputTokens === undefined ? {} : { max_output_tokens: request.maxOutputTokens }),
  });
  // The tools are JSON already: the text goes between the two objects.
  return `${before.slice(0, -1)},"tools":${request.tools.json},${after.slice(1)}`;
}

function reasoningOf(request: ModelRequest): Record<string, unknown> | null {
  if (!request.model.supportsReasoning) return null;
  const effort = request.effort ?? request.model.defaultEffort;
  return {
    ...(effort === undefined ? {} : { effort }),
    ...(request.summary === "none" ? {} : { summary: request.summary }),
  };
}

function textOf(request: ModelRequest): Record<string, unknown> | undefined {
  const { model, outputSchema } = request;
  const verbosity = model.supportsVerbosity ? (request.verbosity ?? model.defaultVerbosity) : undefined;
  if (verbosity === undefined && outputSchema === undefined) return undefined;
  return {
    ...(verbosity === undefined ? {} : { verbosity }),
    ...(outputSchema === undefined
      ? {}
      : { format: { type: "json_schema", strict: true, schema: outputSchema, name: "codex_output_schema" } }),
  };
}
