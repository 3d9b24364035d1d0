import type { Database } from "bun:sqlite";
import type { NewStageOneOutput, StageOneOutput } from "../rows.ts";

/** The columns of an output under the names of `StageOneOutput`, of a table named `o`. */
export const OUTPUT_COLUMNS = `
  o.thread_id AS threadId, o.source_updated_at AS sourceUpdatedAt, o.raw_memory AS rawMemory,
  o.rollout_summary AS rolloutSummary, o.rollout_slug AS rolloutSlug, o.rollout_path AS rolloutPath, o.cwd AS cwd,
  o.project AS project, o.git_branch AS gitBranch, o.provider AS provider, o.model AS model,
  o.extractor AS extractor, o.evidence AS evidence, o.generated_at AS generatedAt, o.usage_count AS usageCount,
  o.last_usage AS lastUsage, o.selected_source_updated_at AS selectedSourceUpdatedAt`;

/** Rows that count: something was kept, and the thread (if the index has it) feeds memory. Joins `o` and `t`. */
export const VISIBLE_OUTPUTS = `
  FROM stage_one_outputs o LEFT JOIN threads t ON t.id = o.thread_id
  WHERE coalesce(t.memory_mode, 'enabled') = 'enabled'
    AND (trim(o.raw_memory) <> '' OR trim(o.rollout_summary) <> '')`;

const INSERT = `
  INSERT INTO stage_one_outputs (
    thread_id, source_updated_at, raw_memory, rollout_summary, rollout_slug, rollout_path, cwd, project, git_branch,
    provider, model, extractor, evidence, generated_at, usage_count, last_usage
  ) VALUES (
    $threadId, $sourceUpdatedAt, $rawMemory, $rolloutSummary, $rolloutSlug, $rolloutPath, $cwd, $project, $gitBranch,
    $provider, $model, $extractor, $evidence, $generatedAt, $usageCount, $lastUsage
  )`;

const KEEP_NEWER = `
  ON CONFLICT (thread_id) DO UPDATE SET
    source_updated_at = excluded.source_updated_at, raw_memory = excluded.raw_memory,
    rollout_summary = excluded.rollout_summary, rollout_slug = excluded.rollout_slug,
    rollout_path = excluded.rollout_path, cwd = excluded.cwd, project = excluded.project,
    git_branch = excluded.git_branch, provider = excluded.provider, model = excluded.model,
    extractor = excluded.extractor, evidence = excluded.evidence, generated_at = excluded.generated_at
  WHERE excluded.source_updated_at >= stage_one_outputs.source_updated_at`;

/** Stores what phase one learned unless the stored row is of a later state; usage and marks stay. */
export function upsertOutput(
  db: Database,
  output: NewStageOneOutput & { threadId: string; sourceUpdatedAt: number; generatedAt: number },
): void {
  db.query(INSERT + KEEP_NEWER).run({ ...bindings(output), usageCount: 0, lastUsage: null });
}

/** Stores a row as it was read back from the files; a row that is there already stays. */
export function importOutput(db: Database, output: StageOneOutput): void {
  const { usageCount, lastUsage } = output;
  db.query(`${INSERT} ON CONFLICT (thread_id) DO NOTHING`).run({ ...bindings(output), usageCount, lastUsage });
}

function bindings(output: NewStageOneOutput & { threadId: string; sourceUpdatedAt: number; generatedAt: number }) {
  const { threadId, sourceUpdatedAt, generatedAt, rawMemory, rolloutSummary, rolloutSlug, rolloutPath } = output;
  const { cwd, project, gitBranch, provider, model, extractor, evidence } = output;
  return {
    ...{ threadId, sourceUpdatedAt, generatedAt, rawMemory, rolloutSummary, rolloutSlug, rolloutPath },
    ...{ cwd, project, gitBranch, provider, model, extractor, evidence },
  };
}
