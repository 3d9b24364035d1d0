import { anything, flag, integer, oneOf, optional, section, text, textList, withDefault } from "../kinds.ts";

export const MEMORIES_FIELDS = {
  memories: section(
    {
      generate_memories: withDefault(flag, true, "Learn from finished sessions"),
      use_memories: withDefault(flag, true, "Start new sessions with what was learnt"),
      min_rollout_idle_hours: withDefault(integer("i64"), 12, "Hours a session must rest before it is read"),
      max_rollout_age_days: withDefault(integer("i64"), 30, "Days after which a session is too old to be read"),
      max_rollouts_per_startup: withDefault(
        integer("usize", { min: 1 }),
        64,
        "Sessions read per start in all; 1 to 64, more counts as 64",
      ),
      max_raw_memories_for_consolidation: withDefault(
        integer("usize", { min: 1 }),
        1024,
        "Memories shown to the consolidation; 1 to 4096, more counts as 4096",
      ),
      sources: withDefault(
        textList,
        ["cli", "vscode"],
        'Kinds of sessions that are learnt from; add "exec" for headless runs',
      ),
      extractor: withDefault(
        oneOf(["auto", "model", "builtin"]),
        "auto",
        "Who reads the sessions: a model, the built-in rules, or a model where allowed",
      ),
      extract_model: optional(text, 'Model that reads sessions; "provider/model" allows that provider for all', {
        defaultText: "the session's own",
      }),
      consolidation_model: optional(text, 'Model that merges memories; "provider/model" shows it all of them', {
        defaultText: "the configured model",
      }),
      daily_token_budget: withDefault(
        integer("u64"),
        1_000_000,
        "Tokens a day for memories, input and output together; 0 means no model call",
      ),
      disable_on_external_context: withDefault(
        flag,
        false,
        "Do not learn from sessions that used web search or an MCP server",
      ),
      dedicated_tools: optional(anything, "Separate tools for memories", {
        since: "0.169",
        unused: "there are none here",
      }),
      max_unused_days: optional(anything, "Days an unused memory is kept", {
        since: "0.169",
        unused: "memories do not expire by age here",
      }),
      min_rate_limit_remaining_percent: optional(anything, "Rate limit to leave untouched", {
        since: "0.169",
        unused: "daily_token_budget bounds the cost here",
      }),
    },
    "Memories of past sessions",
    { since: "0.169" },
  ),
};
