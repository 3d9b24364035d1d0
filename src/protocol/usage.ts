/** Tokens of one response or a sum of them, with the field names of `token_count` records. */
export interface TokenUsage {
  input_tokens: number;
  cached_input_tokens: number;
  /** Tokens the host wrote into its cache; absent where it reports none. */
  cache_write_input_tokens?: number;
  output_tokens: number;
  reasoning_output_tokens: number;
  total_tokens: number;
}

export const ZERO_USAGE: TokenUsage = {
  input_tokens: 0,
  cached_input_tokens: 0,
  output_tokens: 0,
  reasoning_output_tokens: 0,
  total_tokens: 0,
};

export function addUsage(a: TokenUsage, b: TokenUsage): TokenUsage {
  const written = (a.cache_write_input_tokens ?? 0) + (b.cache_write_input_tokens ?? 0);
  return {
    input_tokens: a.input_tokens + b.input_tokens,
    cached_input_tokens: a.cached_input_tokens + b.cached_input_tokens,
    ...cacheWrites(written),
    output_tokens: a.output_tokens + b.output_tokens,
    reasoning_output_tokens: a.reasoning_output_tokens + b.reasoning_output_tokens,
    total_tokens: a.total_tokens + b.total_tokens,
  };
}

/** The field for tokens written into a cache, where there are any. */
export function cacheWrites(tokens: number): Pick<TokenUsage, "cache_write_input_tokens"> {
  return tokens > 0 ? { cache_write_input_tokens: tokens } : {};
}

export interface TokenUsageInfo {
  total_token_usage: TokenUsage;
  last_token_usage: TokenUsage;
  /** The usable window (95 % of the model's), or null when unknown. */
  model_context_window: number | null;
}

export interface RateLimitWindow {
  used_percent: number;
  window_minutes: number | null;
  /** Seconds since the epoch. */
  resets_at: number | null;
}

/** `token_count.rate_limits`; parts a response does not mention are null. */
export interface RateLimitSnapshot {
  limit_id: string;
  limit_name: string | null;
  primary: RateLimitWindow | null;
  secondary: RateLimitWindow | null;
  credits: { has_credits: boolean; unlimited: boolean; balance: string | null } | null;
  plan_type: string | null;
}
