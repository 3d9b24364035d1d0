import { type Env, envVar } from "#lib/env.ts";
import { CodexError } from "#lib/errors.ts";
import type { Config } from "./schema.ts";

/** How to reach one provider. */
export interface ProviderConfig {
  /** Key in the provider table. */
  id: string;
  /** Name shown to people. */
  name: string;
  /** Address up to but without `/responses`; undefined for openai without one: the login decides. */
  baseUrl: string | undefined;
  /** Environment variable with the API key; wins over `bearerToken`. */
  envKey: string | undefined;
  /** Hint for when that variable is missing. */
  envKeyInstructions: string | undefined;
  bearerToken: string | undefined;
  queryParams: Readonly<Record<string, string>>;
  httpHeaders: Readonly<Record<string, string>>;
  /** Header name to the environment variable with its value; unset or empty variables send no header. */
  envHttpHeaders: Readonly<Record<string, string>>;
  /** 0 to 100 tries after the first. */
  requestMaxRetries: number;
  /** 0 to 100 tries after the first. */
  streamMaxRetries: number;
  streamIdleTimeoutMs: number;
  /** Uses the OpenAI login (API key or ChatGPT) when it has no key of its own. */
  requiresOpenAiAuth: boolean;
}

export const DEFAULT_PROVIDER = "openai";
const MAX_RETRIES = 100;
/** Where `ollama serve` and LM Studio listen when nobody says otherwise. */
const OLLAMA_PORT = "11434";
const LM_STUDIO_PORT = "1234";

export interface ProviderTable {
  providers: Readonly<Record<string, ProviderConfig>>;
  warnings: string[];
}

/** The built-in providers and the user's. A user's entry under a built-in id is ignored, with a warning. */
export function providerTable(config: Config, env?: Env): ProviderTable {
  const providers = Object.create(null) as Record<string, ProviderConfig>;
  const warnings: string[] = [];
  for (const provider of builtInProviders(config, env)) providers[provider.id] = provider;
  for (const [id, entry] of Object.entries(config.model_providers)) {
    if (providers[id] === undefined) providers[id] = userProvider(id, entry);
    else warnings.push(`model_providers.${id} is ignored: "${id}" is a built-in provider; give yours another id`);
  }
  return { providers, warnings };
}

/** The provider with this id; throws the error for an unknown one. */
export function selectProvider(providers: Readonly<Record<string, ProviderConfig>>, id: string): ProviderConfig {
  const provider = providers[id];
  if (provider !== undefined) return provider;
  if (id === "ollama-chat") {
    throw new CodexError(
      "provider_removed",
      "`ollama-chat` is no longer supported: its protocol was removed. Use `ollama` in `model_provider`, `oss_provider` or `--local-provider`",
    );
  }
  throw new CodexError("provider_not_found", `Model provider \`${id}\` not found`);
}

function userProvider(id: string, entry: Config["model_providers"][string]): ProviderConfig {
  return {
    id,
    name: entry.name,
    baseUrl: entry.base_url,
    envKey: entry.env_key,
    envKeyInstructions: entry.env_key_instructions,
    bearerToken: entry.experimental_bearer_token,
    queryParams: entry.query_params ?? {},
    httpHeaders: entry.http_headers ?? {},
    envHttpHeaders: entry.env_http_headers ?? {},
    requestMaxRetries: Math.min(entry.request_max_retries, MAX_RETRIES),
    streamMaxRetries: Math.min(entry.stream_max_retries, MAX_RETRIES),
    streamIdleTimeoutMs: entry.stream_idle_timeout_ms,
    requiresOpenAiAuth: entry.requires_openai_auth,
  };
}

function builtInProviders(config: Config, env: Env | undefined): ProviderConfig[] {
  const openAiUrl = config.openai_base_url?.trim() || envVar("OPENAI_BASE_URL", env)?.trim() || undefined;
  return [
    {
      ...builtIn("openai", "OpenAI", openAiUrl),
      envHttpHeaders: { "OpenAI-Organization": "OPENAI_ORGANIZATION", "OpenAI-Project": "OPENAI_PROJECT" },
      requiresOpenAiAuth: true,
    },
    builtIn("ollama", "gpt-oss", localUrl(OLLAMA_PORT, env)),
    builtIn("lmstudio", "gpt-oss", localUrl(LM_STUDIO_PORT, env)),
  ];
}

function builtIn(id: string, name: string, baseUrl: string | undefined): ProviderConfig {
  return {
    id,
    name,
    baseUrl,
    envKey: undefined,
    envKeyInstructions: undefined,
    bearerToken: undefined,
    queryParams: {},
    httpHeaders: {},
    envHttpHeaders: {},
    requestMaxRetries: 4,
    streamMaxRetries: 5,
    streamIdleTimeoutMs: 300_000,
    requiresOpenAiAuth: false,
  };
}

function localUrl(defaultPort: string, env: Env | undefined): string {
  const port = envVar("CODEX_OSS_PORT", env) ?? defaultPort;
  return envVar("CODEX_OSS_BASE_URL", env) ?? `http://localhost:${port}/v1`;
}
