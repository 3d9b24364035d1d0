import type { Database } from "bun:sqlite";
import type { ClaimRules } from "../claims.ts";
import { FRESH } from "./job-row.ts";

type Binding = string | number;

/** SQL: thread `t` has something its output `o` and its job `j` do not cover. */
export const NOT_UP_TO_DATE = `
  coalesce(o.source_updated_at, -1) < t.updated_at AND coalesce(j.last_success_watermark, -1) < t.updated_at`;

/** SQL: thread `t` was written to after its job `j` was last claimed, so back-off and exhaustion are over. */
export const NEW_CONTENT = "t.updated_at > coalesce(j.input_watermark, -1)";

/** SQL: an attempt at job `j` is left. */
export const ATTEMPT_LEFT = "(j.retry_remaining > 0 OR j.status = 'pending')";

export const JOINS = `
  LEFT JOIN stage_one_outputs o ON o.thread_id = t.id
  LEFT JOIN jobs j ON j.kind = 'memory_stage1' AND j.job_key = t.id`;

/** A thread that may be claimed, and what it would be claimed at. */
export interface Candidate {
  id: string;
  updatedAt: number;
}

/**
 * The claimable threads, newest first, at most `limit`. The stored columns and their index find them at the cost of
 * what is due; the real terms are repeated, so that a wrong column could only delay a thread. One branch per source,
 * each limited, because that reads the index in order instead of sorting all that is due.
 */
export function selectClaimable(db: Database, rules: ClaimRules, limit: number): Candidate[] {
  const sources = rules.session === undefined ? [...new Set(rules.sources)] : [];
  const branches = rules.session === undefined ? sources.map((_, index) => sourceBranch(rules, index)) : [one(rules)];
  if (branches.length === 0) return [];
  const limited = branches.map(
    (branch) => `SELECT * FROM (${branch} ORDER BY t.updated_at DESC, t.id DESC LIMIT $limit)`,
  );
  const sql = `${limited.join(" UNION ALL ")} ORDER BY updatedAt DESC, id DESC LIMIT $limit`;
  return db.query<Candidate, Record<string, Binding>>(sql).all({ ...bindings(rules, sources), limit });
}

function sourceBranch(rules: ClaimRules, index: number): string {
  return `
    SELECT t.id AS id, t.updated_at AS updatedAt FROM threads t INDEXED BY threads_due ${JOINS}
    WHERE t.due = 1 AND t.source = $source${index} AND t.updated_at BETWEEN $oldest AND $newest
      ${rules.passRetryAt ? "" : "AND t.blocked_until <= $now"} AND ${terms(rules)}`;
}

function one(rules: ClaimRules): string {
  return `
    SELECT t.id AS id, t.updated_at AS updatedAt FROM threads t ${JOINS}
    WHERE t.due = 1 AND t.id = $session AND ${terms(rules)}`;
}

function terms(rules: ClaimRules): string {
  const backoff = rules.passRetryAt ? "" : "AND (j.retry_at IS NULL OR j.retry_at <= $now)";
  return [
    NOT_UP_TO_DATE,
    `(j.job_key IS NULL OR NOT ${FRESH} AND (${NEW_CONTENT} OR ${ATTEMPT_LEFT} ${backoff}))`,
    ...(rules.currentThread === undefined ? [] : ["t.id <> $currentThread"]),
    ...(rules.maxFileBytes === undefined ? [] : ["t.file_bytes <= $maxFileBytes"]),
    ...(rules.providers.type === "any" ? [] : [providerTerm(rules.providers.type)]),
  ].join(" AND ");
}

/** SQL: the provider of thread `t` is one of those the rules allow. */
export function providerTerm(type: "only" | "except"): string {
  return `t.provider ${type === "only" ? "IN" : "NOT IN"} (SELECT value FROM json_each($providers))`;
}

function bindings(rules: ClaimRules, sources: readonly string[]): Record<string, Binding> {
  const { now, currentThread, session, maxFileBytes, providers } = rules;
  return {
    now,
    ...(session === undefined && { oldest: now - rules.maxAgeSeconds, newest: now - rules.minIdleSeconds }),
    ...Object.fromEntries(sources.map((source, index) => [`source${index}`, source])),
    ...(session !== undefined && { session }),
    ...(currentThread !== undefined && { currentThread }),
    ...(maxFileBytes !== undefined && { maxFileBytes }),
    ...(providers.type !== "any" && { providers: JSON.stringify(providers.providers) }),
  };
}
