/** One entry of `model_providers`, names as in config.toml. Ready to use: defaults applied, retries capped. */
export interface ProviderSettings {
  /** Key of the entry: `openai`, `ollama`, or the user's own. */
  id: string;
  /** Name shown to people. */
  name: string;
  /** Address up to but without `/responses`; absent means the OpenAI address for the credentials at hand. */
  base_url?: string | undefined;
  /** Environment variable that holds the key. Wins over every other credential; must be set when named. */
  env_key?: string | undefined;
  /** Added to the message that says the variable is missing. */
  env_key_instructions?: string | undefined;
  experimental_bearer_token?: string | undefined;
  query_params?: Readonly<Record<string, string>> | undefined;
  http_headers?: Readonly<Record<string, string>> | undefined;
  /** Header name → environment variable; a header whose variable is unset or blank is not sent. */
  env_http_headers?: Readonly<Record<string, string>> | undefined;
  /** Silent tries after a failed request (5xx, transport). */
  request_max_retries: number;
  /** Visible tries after a broken stream; counted by the agent, not here. */
  stream_max_retries: number;
  /** Silence, in milliseconds, after which a stream counts as broken. */
  stream_idle_timeout_ms: number;
}

/** Parts of an address that mark an Azure deployment of the API. */
const AZURE_MARKERS = [
  "openai.azure.",
  "cognitiveservices.azure.",
  "aoai.azure.",
  "azure-api.",
  "azurefd.",
  "windows.net/openai",
];

/** Whether the provider is Azure: it needs `store: true` and the ids of earlier items (semantics §3.18). */
export function isAzure(provider: Pick<ProviderSettings, "name" | "base_url">): boolean {
  if (provider.name.toLowerCase() === "azure") return true;
  const address = provider.base_url?.toLowerCase() ?? "";
  return AZURE_MARKERS.some((marker) => address.includes(marker));
}
