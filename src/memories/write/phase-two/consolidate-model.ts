import { citedItems, itemHash, parseMemory } from "#memories/memory-grammar.ts";
import consolidationPrompt from "#memories/prompts/consolidation.md" with { type: "text" };
import type { StageOneOutput, UnixSeconds } from "#state/rows.ts";
import type { StateStore } from "#state/store.ts";
import type { Entry, EntrySection } from "./consolidate-builtin.ts";
import {
  type CallLedger,
  CONSOLIDATION_BOUNDS,
  type ConsolidationStatus,
  type ModelConsolidator,
  mayShow,
} from "./consolidation-agent.ts";
import { origin, type RootMemory, usersCitedItems } from "./root-memory.ts";
import { stageForModel } from "./stage.ts";
import { readTree, type TreeFile } from "./tree.ts";
import { validate } from "./validate.ts";

export type ModelResult =
  | {
      type: "consolidated";
      sections: EntrySection[];
      skills: { path: string; file: TreeFile }[];
      dropped: string[];
    }
  | { type: "failed"; error: string }
  | { type: "over_budget"; retryAt: UnixSeconds };

/** Lets the model merge the rows it may see in a folder of its own, and takes over what it wrote if all of it is sound. */
export async function consolidateWithModel(input: {
  memory: RootMemory;
  rows: readonly StageOneOutput[];
  model: ModelConsolidator;
  folder: string;
  codexHome: string;
  ledger: CallLedger;
  hasSecret: (text: string) => boolean;
  signal: AbortSignal;
}): Promise<ModelResult> {
  const { memory, model, folder } = input;
  stageForModel(input);
  const before = readTree(folder);
  const status = await runBounded(input);
  if (status.status === "over_budget") return { type: "over_budget", retryAt: status.retryAt };
  if (status.status === "failed") return { type: "failed", error: status.error };
  const result = validate({
    before,
    after: readTree(folder),
    root: memory.tree,
    isGenerated: (item) => origin(memory, item) !== "user",
    skills: memory.skills,
    knownThreads: shownThreads(memory, model),
    hasSecret: input.hasSecret,
  });
  if (result.type === "invalid") return { type: "failed", error: `the model's result was refused: ${result.reason}` };
  const { skills, dropped } = result;
  return { type: "consolidated", sections: writtenSections(memory, result.memory, model), skills, dropped };
}

async function runBounded(input: Parameters<typeof consolidateWithModel>[0]): Promise<ConsolidationStatus> {
  const bounds = CONSOLIDATION_BOUNDS;
  const timeout = AbortSignal.timeout(bounds.maxSeconds * 1000);
  const signal = AbortSignal.any([input.signal, timeout]);
  try {
    const request = { folder: input.folder, prompt: consolidationPrompt, bounds, ledger: input.ledger, signal };
    return await input.model.agent(request);
  } catch (error) {
    if (!timeout.aborted || input.signal.aborted) throw error;
    return { status: "failed", error: `the model did not end within ${bounds.maxSeconds} seconds` };
  }
}

/** The budget for the calls of one consolidation. */
export function callLedger(store: StateStore, model: ModelConsolidator, now: () => UnixSeconds): CallLedger {
  return {
    reserve: (tokens) =>
      store.ledger.reserve({
        now: now(),
        budget: model.dailyTokenBudget,
        jobKind: "memory_consolidate_global",
        threadId: null,
        purpose: "consolidation",
        provider: model.provider,
        model: model.model,
        tokens,
      }),
    settle: (id, usage) => store.ledger.settle(id, usage),
    lose: (id) => store.ledger.lose(id),
  };
}

function shownThreads(memory: RootMemory, model: ModelConsolidator): Set<string> {
  return new Set([...memory.rows.values()].filter((row) => mayShow(model, row.provider)).map((row) => row.threadId));
}

/** The generated items of the model's file by section. What it left as it was keeps its author. */
function writtenSections(memory: RootMemory, text: string, model: ModelConsolidator): EntrySection[] {
  const users = new Set(usersCitedItems(memory).map((item) => itemHash(item.text)));
  const sections = new Map<string, EntrySection & { entries: Entry[] }>();
  for (const { section, item } of citedItems(parseMemory(text))) {
    if (users.has(itemHash(item.text))) continue;
    const { kind, project } = section;
    if (kind !== "summary" && kind !== "preferences" && kind !== "project") continue;
    const known = memory.published === null ? "user" : origin(memory, item);
    const by = known === "user" ? (`model:${model.model}` as const) : known.by;
    const threads = known === "user" ? item.citations.map((citation) => citation.threadId) : Object.keys(known.rows);
    const times = threads.flatMap((id) => {
      const row = memory.rows.get(id);
      return row === undefined ? [] : [[id, row.sourceUpdatedAt] as const];
    });
    const key = `${kind}\n${project}`;
    const own = sections.get(key) ?? { kind, project, entries: [] };
    own.entries.push({ text: item.text.replace(/\r?\n$/, ""), rows: Object.fromEntries(times), by });
    sections.set(key, own);
  }
  return [...sections.values()];
}
