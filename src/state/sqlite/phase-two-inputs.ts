import type { Database } from "bun:sqlite";
import { sha256Hex } from "#lib/hash.ts";
import type { PhaseTwoInputs } from "../phase-two.ts";
import type { StageOneOutput } from "../rows.ts";
import { consolidatedSet, readMeta } from "./memory-meta.ts";
import { OUTPUT_COLUMNS, VISIBLE_OUTPUTS } from "./output-row.ts";

const ORDER = `
  ORDER BY o.usage_count DESC, coalesce(o.last_usage, o.source_updated_at) DESC, o.source_updated_at DESC,
    o.thread_id DESC`;

/** The rows of one consolidation; call inside a read transaction, so that rows and generation belong together. */
export function selectPhaseTwoInputs(
  db: Database,
  { limit, providers }: { limit: number; providers?: readonly string[] },
): PhaseTwoInputs {
  const only = providers === undefined ? "" : "AND o.provider IN (SELECT value FROM json_each($providers))";
  const outputs = db
    .query<StageOneOutput, Record<string, string | number>>(
      `SELECT ${OUTPUT_COLUMNS} ${VISIBLE_OUTPUTS} ${only} ${ORDER} LIMIT $limit`,
    )
    .all({ limit, ...(providers !== undefined && { providers: JSON.stringify(providers) }) });
  return {
    generation: readMeta(db).inputGeneration,
    outputs,
    sameAsLast: consolidatedSet(db) === digestOf(outputs),
  };
}

/** Names a set of (thread, time) pairs, whatever its order; the empty set has a name too. */
export function digestOf(outputs: readonly Pick<StageOneOutput, "threadId" | "sourceUpdatedAt">[]): string {
  const pairs = outputs.map(({ threadId, sourceUpdatedAt }) => `${threadId} ${sourceUpdatedAt}`).sort();
  return sha256Hex(pairs.join("\n"));
}

/** Marks exactly the consolidated rows, each with the time it had in the snapshot. */
export function markSelected(db: Database, outputs: readonly StageOneOutput[]): void {
  const pairs = JSON.stringify(outputs.map(({ threadId, sourceUpdatedAt }) => [threadId, sourceUpdatedAt]));
  db.query(`
    UPDATE stage_one_outputs SET selected_for_phase2 = 0, selected_source_updated_at = NULL
    WHERE selected_for_phase2 = 1
      AND (thread_id, selected_source_updated_at) NOT IN (SELECT value ->> 0, value ->> 1 FROM json_each($pairs))`).run(
    {
      pairs,
    },
  );
  db.query(`
    UPDATE stage_one_outputs AS o SET selected_for_phase2 = 1, selected_source_updated_at = s.at
    FROM (SELECT value ->> 0 AS id, value ->> 1 AS at FROM json_each($pairs)) AS s
    WHERE o.thread_id = s.id AND o.selected_source_updated_at IS NOT s.at`).run({ pairs });
}
