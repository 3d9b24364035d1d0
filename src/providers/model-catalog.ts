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
