import type { ProviderRule } from "#state/claims.ts";

/** Who may extract: `auto` is a model where one can be called within the budget, else the built-in. */
export type ExtractorChoice = "auto" | "model" | "builtin";

/** Providers whose threads a model can read now; "any" when one model was named for all threads. */
export type ServedProviders = readonly string[] | "any";

/** `callable`: ids of the providers that can be called; `consented`: the one the user named for all threads. */
export function servedProviders(callable: readonly string[], consented: string | undefined): ServedProviders {
  if (consented === undefined) return callable;
  return callable.includes(consented) ? "any" : [];
}

/**
 * Whose threads a run may claim, settled before the claim so that no thread is claimed only to wait. A process that
 * stays (`mayCallModels`) takes what it can serve; one that is about to end leaves to others what a model may have.
 */
export function claimableThreads(run: {
  extractor: ExtractorChoice;
  mayCallModels: boolean;
  /** Nothing when the day's budget is spent. */
  served: ServedProviders;
}): ProviderRule {
  const { extractor, mayCallModels, served } = run;
  switch (extractor) {
    case "builtin":
      return { type: "any" };
    case "model":
      if (!mayCallModels) return { type: "only", providers: [] };
      return served === "any" ? { type: "any" } : { type: "only", providers: served };
    case "auto":
      if (mayCallModels) return { type: "any" };
      return served === "any" ? { type: "only", providers: [] } : { type: "except", providers: served };
  }
}
