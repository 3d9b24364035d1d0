import { sha256Hex } from "#lib/hash.ts";
import { type MemoryItem, parseMemory } from "#memories/memory-grammar.ts";
import type { StageOneOutput } from "#state/rows.ts";
import { composeMemory } from "./compose.ts";
import { consolidateBuiltin } from "./consolidate-builtin.ts";
import type { ModelResult } from "./consolidate-model.ts";
import { type ModelConsolidator, mayShow } from "./consolidation-agent.ts";
import type { PublishPlan } from "./publish.ts";
import { type Published, type PublishedSkill, parsePublished, printPublished } from "./published.ts";
import { currentSet, isUnchanged, origin, type RootMemory } from "./root-memory.ts";
import { fileIn, type TreeFile } from "./tree.ts";

export interface PlanInput {
  memory: RootMemory;
  /** The selected rows. */
  rows: readonly StageOneOutput[];
  token: string;
  hasSecret: (text: string) => boolean;
}

type Consolidated = Extract<ModelResult, { type: "consolidated" }>;

/** What to publish when no model takes part. */
export function builtinPlan(input: PlanInput): PublishPlan {
  const { memory, rows } = input;
  if (rows.length === 0) return emptyPlan(input);
  const staying = stayingItems(memory);
  const composed = composeMemory(memory, {
    stays: (item) => staying.has(item),
    sections: withoutCovered(consolidateBuiltin(rows), [...staying]),
    hasSecret: input.hasSecret,
  });
  return planOf(input, composed, { skills: [], dropped: [], kept: memory.skills });
}

/** What to publish of a model's work; rows it was not shown are merged without it. */
export function modelPlan(input: PlanInput, model: ModelConsolidator, result: Consolidated): PublishPlan {
  const { memory } = input;
  const hidden = input.rows.filter((row) => !mayShow(model, row.provider));
  const hiddenIds = new Set([...memory.rows.values()].filter((row) => !mayShow(model, row.provider)).map(idOf));
  const staying = new Set(
    [...stayingItems(memory)].filter((item) => item.citations.some(({ threadId }) => hiddenIds.has(threadId))),
  );
  const composed = composeMemory(memory, {
    stays: (item) => staying.has(item),
    sections: [...result.sections, ...withoutCovered(consolidateBuiltin(hidden), [...staying])],
    hasSecret: input.hasSecret,
  });
  const providers = [
    ...new Set(input.rows.map((row) => row.provider).filter((name) => mayShow(model, name))),
  ].toSorted();
  const changed = new Set([...result.skills.map(({ path }) => path), ...result.dropped]);
  const written = result.skills.map(({ path, file }) => ({
    path,
    hash: file.hash,
    by: `model:${model.model}` as const,
    providers,
  }));
  const kept = [...memory.skills.filter((skill) => !changed.has(skill.path)), ...written];
  return planOf(input, composed, { skills: result.skills, dropped: result.dropped, kept });
}

/** Whether a plan would leave everything, the record included, as it is. */
export function changesNothing(plan: PublishPlan, memory: RootMemory): boolean {
  if (plan.memory !== undefined || plan.skills.length > 0 || plan.dropped.length > 0) return false;
  const record = parsePublished(plan.record.toString("utf8"));
  const known = memory.published;
  if (record === null || known === null || memory.sets.length !== 1) return false;
  return JSON.stringify([record.after, record.deleted]) === JSON.stringify([known.after, known.deleted]);
}

/** Nothing was learnt, or all of it was taken back: what is generated goes, what is the user's stays. */
function emptyPlan(input: PlanInput): PublishPlan {
  const { memory } = input;
  const dropped = memory.skills.map(({ path }) => path);
  const composed = composeMemory(memory, { stays: () => false, sections: [], hasSecret: input.hasSecret });
  const foreign = memory.text !== null && !parseMemory(memory.text).follows;
  return planOf(input, foreign ? { ...composed, text: memory.text } : composed, { skills: [], dropped, kept: [] });
}

/** A model's entries whose rows are as they were when it wrote them. */
function stayingItems(memory: RootMemory): Set<MemoryItem> {
  const items = memory.document.sections.flatMap((section) => section.blocks.filter((block) => block.type === "item"));
  return new Set(
    items.filter((item) => {
      const from = origin(memory, item);
      return from !== "user" && from.by !== "builtin" && isUnchanged(memory, from);
    }),
  );
}

/** Entries that say more than items that stay: what rests on threads cited there only is said already. */
function withoutCovered(
  sections: ReturnType<typeof consolidateBuiltin>,
  staying: readonly MemoryItem[],
): ReturnType<typeof consolidateBuiltin> {
  const covered = new Set(staying.flatMap((item) => item.citations.map(({ threadId }) => threadId)));
  return sections.map((section) => ({
    ...section,
    entries: section.entries.filter((entry) => !Object.keys(entry.rows).every((id) => covered.has(id))),
  }));
}

function planOf(
  input: PlanInput,
  composed: ReturnType<typeof composeMemory>,
  skills: { skills: { path: string; file: TreeFile }[]; dropped: readonly string[]; kept: readonly PublishedSkill[] },
): PublishPlan {
  const { memory } = input;
  const bytes = composed.text === null ? null : Buffer.from(composed.text, "latin1");
  const after = {
    memory: bytes === null ? null : sha256Hex(bytes),
    items: composed.items,
    skills: skills.kept.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
  };
  const record: Published = {
    version: 1,
    token: input.token,
    before: currentSet(memory),
    after,
    deleted: memory.deleted,
  };
  const current = fileIn(memory.tree, "MEMORY.md");
  const same = bytes === null ? current === undefined : current?.bytes.equals(bytes) === true;
  return {
    copied: memory.tree,
    record: Buffer.from(printPublished(record)),
    skills: skills.skills.map(({ path, file }) => ({ path, bytes: file.bytes, executable: file.executable })),
    dropped: skills.dropped,
    memory: same ? undefined : bytes,
  };
}

function idOf(row: StageOneOutput): string {
  return row.threadId;
}
