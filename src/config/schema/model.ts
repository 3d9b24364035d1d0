import { PERSONALITIES, REASONING_EFFORTS, REASONING_SUMMARIES, VERBOSITIES } from "#protocol/policies.ts";
import { flag, integer, oneOf, optional, path, required, table, text, textMap, withDefault } from "../kinds.ts";

const effort = oneOf(REASONING_EFFORTS, { later: { max: "xhigh", ultra: "xhigh" } });
const summary = oneOf(REASONING_SUMMARIES);
const verbosity = oneOf(VERBOSITIES);
const personality = oneOf(PERSONALITIES);

/** Keys about the model that a profile may set too. */
export const MODEL_PROFILE_FIELDS = {
  model: optional(text, "Model to use", { defaultText: "gpt-5.2-codex" }),
  model_provider: optional(text, "Id of the provider: openai, ollama, lmstudio or a key of model_providers", {
    defaultText: "openai",
  }),
  model_reasoning_effort: optional(effort, "How hard a reasoning model thinks", { defaultText: "the model's own" }),
  model_reasoning_summary: optional(summary, "How its reasoning is summarised", { defaultText: "auto" }),
  model_verbosity: optional(verbosity, "Length of answers, for models that support it", {
    defaultText: "the model's own",
  }),
  model_instructions_file: optional(path, "File whose text replaces the base instructions; must exist and have text"),
  personality: optional(personality, "Tone, for models that support one", { defaultText: "pragmatic" }),
  chatgpt_base_url: optional(text, "Address of the ChatGPT back end", {
    defaultText: "https://chatgpt.com/backend-api/",
  }),
  experimental_instructions_file: optional(path, "Former name of model_instructions_file", {
    unused: "no longer read by Codex CLI either",
  }),
  experimental_compact_prompt_file: optional(path, "File with the text of compact_prompt"),
  oss_provider: optional(text, "Local provider that --oss uses: ollama or lmstudio"),
};

/** Keys about the model that stand at the top level only. */
export const MODEL_FIELDS = {
  model_context_window: optional(integer("i64"), "Context window in tokens", { defaultText: "of the model" }),
  model_auto_compact_token_limit: optional(
    integer("i64"),
    "Tokens at which history is compacted; at most 90 % of the context window",
    { defaultText: "90 % of the context window" },
  ),
  model_supports_reasoning_summaries: optional(flag, "Send reasoning settings to a model that is not in the catalog"),
  developer_instructions: optional(text, "Extra developer message at the start of a session"),
  instructions: optional(text, "Former way to give instructions", { unused: "no longer read by Codex CLI either" }),
  compact_prompt: optional(text, "Replaces the prompt of local compaction"),
  review_model: optional(text, "Model for reviews", { defaultText: "the session's model" }),
  openai_base_url: optional(text, "Address of the openai provider; wins over OPENAI_BASE_URL", { since: "0.169" }),
};

const WIRE_API_CHAT = '`wire_api = "chat"` is no longer supported; set `wire_api = "responses"`';

/** One entry of `model_providers`. */
export const MODEL_PROVIDER = table(
  {
    name: required(text, "Name shown to people"),
    base_url: optional(text, "Address up to but without /responses"),
    env_key: optional(text, "Environment variable that holds the API key"),
    env_key_instructions: optional(text, "Hint shown when that variable is missing"),
    experimental_bearer_token: optional(text, "API key written here; env_key is the safer way and wins"),
    wire_api: withDefault(oneOf(["responses"]), "responses", "Protocol; only the Responses API is spoken"),
    query_params: optional(textMap, "Query parameters added to every request"),
    http_headers: optional(textMap, "Headers added to every request"),
    env_http_headers: optional(textMap, "Headers whose values are read from environment variables"),
    request_max_retries: withDefault(integer("u64"), 4, "Tries after a failed request; at most 100"),
    stream_max_retries: withDefault(integer("u64"), 5, "Tries after a broken stream; at most 100"),
    stream_idle_timeout_ms: withDefault(integer("u64"), 300_000, "Silence after which a stream counts as broken"),
    requires_openai_auth: withDefault(flag, false, "Use the OpenAI login for this provider"),
    supports_websockets: withDefault(flag, false, "The provider speaks the WebSocket form of the API", {
      unused: "requests always go over HTTP",
    }),
  },
  { check: (provider) => (provider.wire_api === "chat" ? WIRE_API_CHAT : undefined) },
);
