import { FEATURE_ALIASES } from "./features.ts";
import type { Config } from "./schema.ts";

/** The `[memories]` table with its bounds applied; see docs/memories.md. */
export interface MemorySettings {
  /** Whether sessions may become memory. */
  generate: boolean;
  /** Whether sessions start with what was learnt. */
  use: boolean;
  minIdleSeconds: number;
  maxAgeSeconds: number;
  /** Claims per start in all, 1 to 64. */
  maxPerStartup: number;
  /** Rows shown to one consolidation, 1 to 4096. */
  maxForConsolidation: number;
  /** Session sources that are learnt from. */
  sources: readonly string[];
  extractor: "auto" | "model" | "builtin";
  /** A model, or "provider/model"; undefined: each thread's own. */
  extractModel: string | undefined;
  /** A model, or "provider/model"; undefined: the configuration's. */
  consolidationModel: string | undefined;
  /** Input and output tokens per UTC day; 0 = never a model call. */
  dailyTokenBudget: number;
  /** Whether web search marks a session as not to be learnt from. */
  disableOnExternalContext: boolean;
}

const HOUR_SECONDS = 3600;
const DAY_SECONDS = 86_400;
const MAX_PER_STARTUP = 64;
const MAX_FOR_CONSOLIDATION = 4096;

/**
 * What the configuration says about memories. The feature flag of Codex CLI is off by default while memories are on
 * here, so only a flag that somebody set to false counts: it turns both halves off.
 */
export function memorySettings(config: Config): MemorySettings {
  const { memories } = config;
  const on = !flagSetToFalse(config);
  return {
    generate: on && memories.generate_memories,
    use: on && memories.use_memories,
    minIdleSeconds: Math.max(0, memories.min_rollout_idle_hours) * HOUR_SECONDS,
    maxAgeSeconds: Math.max(0, memories.max_rollout_age_days) * DAY_SECONDS,
    maxPerStartup: Math.min(memories.max_rollouts_per_startup, MAX_PER_STARTUP),
    maxForConsolidation: Math.min(memories.max_raw_memories_for_consolidation, MAX_FOR_CONSOLIDATION),
    sources: memories.sources,
    extractor: memories.extractor,
    extractModel: memories.extract_model || undefined,
    consolidationModel: memories.consolidation_model || undefined,
    dailyTokenBudget: memories.daily_token_budget,
    disableOnExternalContext: memories.disable_on_external_context,
  };
}

function flagSetToFalse(config: Config): boolean {
  const flags = config.features ?? {};
  const names = [
    "memory_tool",
    ...Object.keys(FEATURE_ALIASES).filter((name) => FEATURE_ALIASES[name] === "memory_tool"),
  ];
  return names.some((name) => flags[name] === false);
}
