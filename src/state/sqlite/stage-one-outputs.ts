import type { Database } from "bun:sqlite";
import type { StageOneOutput, UnixSeconds } from "../rows.ts";
import { OUTPUT_COLUMNS, VISIBLE_OUTPUTS } from "./output-row.ts";

/** All rows that artifacts show, in the order they show them. */
export function listOutputs(db: Database): StageOneOutput[] {
  const sql = `SELECT ${OUTPUT_COLUMNS} ${VISIBLE_OUTPUTS} ORDER BY o.source_updated_at DESC, o.thread_id DESC`;
  return db.query<StageOneOutput, []>(sql).all();
}

export function getOutput(db: Database, threadId: string): StageOneOutput | undefined {
  const sql = `SELECT ${OUTPUT_COLUMNS} ${VISIBLE_OUTPUTS} AND o.thread_id = $threadId`;
  return db.query<StageOneOutput, { threadId: string }>(sql).get({ threadId }) ?? undefined;
}

/** One more use of each row, however often its id is named. */
export function raiseUsage(db: Database, now: UnixSeconds, threadIds: readonly string[]): number {
  const sql = `
    UPDATE stage_one_outputs SET usage_count = usage_count + 1, last_usage = max(coalesce(last_usage, 0), $now)
    WHERE thread_id IN (SELECT value FROM json_each($ids)) RETURNING 1`;
  return db.query(sql).all({ now, ids: JSON.stringify(threadIds) }).length;
}
