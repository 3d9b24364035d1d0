import type { ReasoningEffort, Verbosity } from "#protocol/policies.ts";

/** What is known about a model; the answer to every "does this model …" question. */
export interface ModelInfo {
  slug: string;
  /** False for a name that is not in the catalog: fallback behaviour and one notice. */
  known: boolean;
  /** Tokens; null when unknown. */
  contextWindow: number | null;
  /** Share of the window that is usable, in percent. */
  effectiveWindowPercent: number;
  supportsReasoning: boolean;
  defaultEffort: ReasoningEffort | undefined;
  supportsVerbosity: boolean;
  defaultVerbosity: Verbosity | undefined;
  parallelToolCalls: boolean;
  /** Whether `apply_patch` is offered as a freeform (custom) tool. */
  freeformApplyPatch: boolean;
  supportsImages: boolean;
  /** How tool outputs are cut before they become history. */
  truncation: { mode: "tokens" | "bytes"; limit: number };
}

/** Config keys that correct the catalog for the model in use. */
export interface ModelOverrides {
  /** `model_context_window`, in tokens. */
  contextWindow?: number | undefined;
  /** `model_supports_reasoning_summaries`: whether the reasoning block is sent, whatever the catalog says. */
  supportsReasoningSummaries?: boolean | undefined;
}

/** Every released model of the family has this window; 95 % of it is used (as in 0.101's task_started records). */
const CONTEXT_WINDOW = 272_000;
const EFFECTIVE_WINDOW_PERCENT = 95;

type Traits = Omit<ModelInfo, "slug" | "known" | "contextWindow" | "effectiveWindowPercent">;

const GENERAL: Traits = {
  supportsReasoning: true,
  defaultEffort: "medium",
  supportsVerbosity: true,
  defaultVerbosity: "low",
  parallelToolCalls: true,
  freeformApplyPatch: true,
  supportsImages: true,
  truncation: { mode: "bytes", limit: 10_000 },
};

const CODEX: Traits = {
  ...GENERAL,
  supportsVerbosity: false,
  defaultVerbosity: undefined,
  parallelToolCalls: false,
  truncation: { mode: "tokens", limit: 10_000 },
};

/** A name that is not in the catalog: plain function calls, no reasoning block, byte budget (measured on 0.101). */
const UNKNOWN: Traits = {
  ...GENERAL,
  supportsReasoning: false,
  defaultEffort: undefined,
  supportsVerbosity: false,
  defaultVerbosity: undefined,
  parallelToolCalls: false,
  freeformApplyPatch: false,
};

const CATALOG: Readonly<Record<string, Traits>> = {
  "gpt-5.2-codex": { ...CODEX, parallelToolCalls: true },
  "gpt-5.3-codex": { ...CODEX, parallelToolCalls: true, supportsVerbosity: true, defaultVerbosity: "low" },
  "gpt-5.2": GENERAL,
  "gpt-5.1-codex": CODEX,
  "gpt-5.1-codex-max": CODEX,
  "gpt-5.1-codex-mini": CODEX,
  "gpt-5.1": GENERAL,
  "gpt-5.5": GENERAL,
  "gpt-5-codex": CODEX,
  "gpt-5-codex-mini": CODEX,
  "gpt-5": { ...GENERAL, defaultVerbosity: undefined, parallelToolCalls: false, freeformApplyPatch: false },
};

/** The catalog's names, the default first. */
export const MODEL_SLUGS: readonly string[] = Object.keys(CATALOG);

/**
 * What is known about `slug`. A dated or suffixed name (`gpt-5.2-codex-2026-01-01`) counts as the longest
 * catalog name it begins with; any other name gets the fallback, `known: false`.
 */
export function findModel(slug: string, overrides: ModelOverrides = {}): ModelInfo {
  const entry = longestPrefix(slug);
  const traits = (entry !== undefined && CATALOG[entry]) || UNKNOWN;
  return {
    slug,
    known: entry !== undefined,
    contextWindow: overrides.contextWindow ?? CONTEXT_WINDOW,
    effectiveWindowPercent: EFFECTIVE_WINDOW_PERCENT,
    ...traits,
    supportsReasoning: overrides.supportsReasoningSummaries ?? traits.supportsReasoning,
  };
}

function longestPrefix(slug: string): string | undefined {
  let best: string | undefined;
  for (const name of MODEL_SLUGS) {
    const matches = slug === name || (slug.startsWith(name) && /^[-:]/.test(slug.slice(name.length)));
    if (matches && (best === undefined || name.length > best.length)) best = name;
  }
  return best;
}
