import type { Database } from "bun:sqlite";
import { nextUtcMidnight, utcDayStart } from "../lease.ts";
import type { JobKind, LedgerRow, TokenPurpose, UnixSeconds } from "../rows.ts";
import type { Reservation } from "../store.ts";

/** Real usage once known; until then, and when it never is, the reservation. */
const CHARGED = "CASE WHEN state = 'done' THEN input_tokens + output_tokens ELSE reserved_tokens END";

/** Tokens charged to the UTC day of `now`. */
export function spentOn(db: Database, now: UnixSeconds): number {
  const sql = `SELECT coalesce(sum(${CHARGED}), 0) AS spent FROM token_ledger WHERE time >= $from AND time < $to`;
  const day = { from: utcDayStart(now), to: nextUtcMidnight(now) };
  return db.query<{ spent: number }, typeof day>(sql).get(day)?.spent ?? 0;
}

/** Books a call; call inside a write transaction, which makes summing and booking one step. */
export function reserveTokens(
  db: Database,
  options: {
    now: UnixSeconds;
    budget: number;
    jobKind: JobKind;
    threadId: string | null;
    purpose: TokenPurpose;
    provider: string;
    model: string;
    tokens: number;
  },
): Reservation {
  const { now, budget, tokens, jobKind, threadId, purpose, provider, model } = options;
  const spent = spentOn(db, now);
  if (budget <= 0 || spent + tokens > budget) return { type: "over_budget", spent, retryAt: nextUtcMidnight(now) };
  const row = db
    .query<{ id: number }, Record<string, string | number | null>>(`
      INSERT INTO token_ledger (job_kind, thread_id, purpose, provider, model, state, reserved_tokens, time)
      VALUES ($jobKind, $threadId, $purpose, $provider, $model, 'reserved', $tokens, $now) RETURNING id`)
    .get({ jobKind, threadId, purpose, provider, model, tokens, now });
  if (row === null) throw new Error("an inserted ledger row has no id");
  return { type: "reserved", id: row.id };
}

export function settleTokens(
  db: Database,
  id: number,
  {
    inputTokens,
    cachedInputTokens,
    outputTokens,
  }: Record<"inputTokens" | "cachedInputTokens" | "outputTokens", number>,
): void {
  db.query(`
    UPDATE token_ledger SET state = 'done', input_tokens = $inputTokens, cached_input_tokens = $cachedInputTokens,
      output_tokens = $outputTokens
    WHERE id = $id AND state <> 'done'`).run({ id, inputTokens, cachedInputTokens, outputTokens });
}

export function loseTokens(db: Database, id: number): void {
  db.query("UPDATE token_ledger SET state = 'lost' WHERE id = $id AND state = 'reserved'").run({ id });
}

export function listLedger(db: Database, since: UnixSeconds, limit: number): LedgerRow[] {
  const sql = `
    SELECT id, job_kind AS jobKind, thread_id AS threadId, purpose, provider, model, state,
      reserved_tokens AS reservedTokens, input_tokens AS inputTokens, cached_input_tokens AS cachedInputTokens,
      output_tokens AS outputTokens, time
    FROM token_ledger WHERE time >= $since ORDER BY time DESC, id DESC LIMIT $limit`;
  return db.query<LedgerRow, { since: number; limit: number }>(sql).all({ since, limit });
}
