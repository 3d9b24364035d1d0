import { messageOf } from "#lib/errors.ts";
import { redactSecrets } from "#lib/redact.ts";
import { type Collected, SessionCollector } from "./builtin/collect.ts";
import { extractBuiltin } from "./extract-builtin.ts";
import { type CallBudget, extractWithModel, type ModelRoute } from "./extract-model.ts";
import type { Extraction } from "./extraction.ts";
import {
  type FilteredItem,
  type FilterOptions,
  filterRollout,
  type RolloutFacts,
  type RolloutMark,
  type RolloutSink,
} from "./filter-rollout.ts";
import { inputBudgetTokens, ModelInput } from "./model-input.ts";

/** Who extracts a thread. `fallback`: when the budget is spent, or with the job's last retry, the built-in does. */
export type ExtractorPlan =
  | { type: "builtin" }
  | { type: "model"; route: ModelRoute; budget: CallBudget; fallback: "never" | "over_budget" | "any_failure" };

/** What became of a thread. Texts are redacted. */
export type ThreadExtraction =
  | {
      type: "extracted";
      /** Null: nothing worth keeping. */
      extraction: Extraction | null;
      extractor: `model:${string}` | "builtin";
      facts: RolloutFacts;
      /** The model used a name of an earlier format. */
      usedAlias: boolean;
    }
  | { type: "over_budget"; retryAt: number }
  | { type: "failed"; message: string };

/**
 * Reads, filters and extracts one rollout. What can go wrong with a file or a model is a value; only the signal's
 * reason and bugs are thrown.
 */
export async function extractThread(
  thread: { threadId: string; rolloutPath: string },
  plan: ExtractorPlan,
  options: { signal: AbortSignal },
): Promise<ThreadExtraction> {
  const read = await readThread(thread.rolloutPath, plan, options.signal);
  if (read.type === "failed") return read;
  if (plan.type === "builtin") return builtin(thread.rolloutPath, read);
  const input = {
    threadId: thread.threadId,
    rolloutPath: thread.rolloutPath,
    cwd: read.facts.cwd,
    contents: read.contents,
  };
  // Nothing was said in it: no call is paid for.
  if (read.facts.kept === 0) return { ...NOTHING, extractor: modelName(plan.route), facts: read.facts };
  const answer = await extractWithModel(input, plan.route, { budget: plan.budget, signal: options.signal });
  switch (answer.type) {
    case "texts": {
      const { rolloutSummary, rawMemory, rolloutSlug, usedAlias } = answer;
      const extraction: Extraction = { rolloutSummary, rawMemory, rolloutSlug, evidence: [] };
      return { type: "extracted", extraction, extractor: modelName(plan.route), facts: read.facts, usedAlias };
    }
    case "nothing":
      return { ...NOTHING, extractor: modelName(plan.route), facts: read.facts };
    case "over_budget":
      return plan.fallback === "never" ? answer : builtin(thread.rolloutPath, read);
    case "failed":
      return plan.fallback === "any_failure"
        ? builtin(thread.rolloutPath, read)
        : { type: "failed", message: redactSecrets(answer.message) };
  }
}

const NOTHING = { type: "extracted", extraction: null, usedAlias: false } as const;

function modelName(route: ModelRoute): `model:${string}` {
  return `model:${route.model.slug}`;
}

interface ReadThread {
  type: "read";
  facts: RolloutFacts;
  collected: Collected;
  /** For a model; "" for the built-in. */
  contents: string;
}

async function readThread(
  path: string,
  plan: ExtractorPlan,
  signal: AbortSignal,
): Promise<ReadThread | { type: "failed"; message: string }> {
  try {
    const whole = await readOnce(path, plan, { signal });
    const { undone } = whole.facts;
    return undone.length === 0 ? whole : await readOnce(path, plan, { signal, without: undone });
  } catch (error) {
    signal.throwIfAborted();
    return { type: "failed", message: redactSecrets(messageOf(error)) };
  }
}

async function readOnce(path: string, plan: ExtractorPlan, options: FilterOptions): Promise<ReadThread> {
  const collector = new SessionCollector();
  const input = plan.type === "model" ? new ModelInput(inputBudgetTokens(plan.route.model)) : undefined;
  const facts = await filterRollout(path, input === undefined ? collector : both(collector, input), options);
  return { type: "read", facts, collected: collector.collected(), contents: input?.render() ?? "" };
}

function both(first: RolloutSink, second: RolloutSink): RolloutSink {
  return {
    item(item: FilteredItem) {
      first.item(item);
      second.item(item);
    },
    mark(mark: RolloutMark) {
      first.mark(mark);
      second.mark(mark);
    },
  };
}

function builtin(path: string, read: ReadThread): ThreadExtraction {
  try {
    const extraction = extractBuiltin(path, read.facts, read.collected);
    return { type: "extracted", extraction, extractor: "builtin", facts: read.facts, usedAlias: false };
  } catch (error) {
    // The file was moved or removed between reading it and quoting from it.
    return { type: "failed", message: redactSecrets(messageOf(error)) };
  }
}
