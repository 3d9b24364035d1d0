import type { Database } from "bun:sqlite";
import type { ClaimRules, JobFailure, StageOneStatus, WaitReason } from "../claims.ts";
import type { JobRow } from "../rows.ts";
import { ATTEMPT_LEFT, JOINS, NEW_CONTENT, NOT_UP_TO_DATE, providerTerm } from "./claimable-threads.ts";
import { FRESH, listFailedJobs } from "./job-row.ts";

type Verdict = WaitReason | "claimable" | "up_to_date";

/** Every thread and why it is not claimed now: the terms of the claim, one by one. */
function verdictSql(rules: ClaimRules): string {
  const chosen = rules.session === undefined ? "" : "AND t.id <> $session";
  const retry = rules.passRetryAt
    ? ""
    : `
      WHEN NOT ${NEW} AND j.retry_at > $now AND j.status = 'pending' THEN 'over_budget'
      WHEN NOT ${NEW} AND j.retry_at > $now THEN 'backing_off'`;
  return `
    CASE
      WHEN NOT (${NOT_UP_TO_DATE}) THEN 'up_to_date'
      WHEN j.job_key IS NOT NULL AND ${FRESH} THEN 'running'
      WHEN t.archived = 1 THEN 'archived'
      WHEN t.memory_mode <> 'enabled' THEN t.memory_mode
      WHEN t.first_user_message = '' THEN 'no_user_message'
      WHEN t.id = $currentThread THEN 'current'
      WHEN t.source NOT IN (SELECT value FROM json_each($sources)) ${chosen} THEN 'source'
      WHEN NOT ${NEW} AND NOT ${ATTEMPT_LEFT} THEN 'exhausted'
      WHEN t.updated_at > $newest ${chosen} THEN 'too_recent'
      WHEN t.updated_at < $oldest ${chosen} THEN 'too_old'
      ${retry}
      ${rules.providers.type === "any" ? "" : `WHEN NOT (${providerTerm(rules.providers.type)}) THEN 'provider'`}
      WHEN t.file_bytes > $maxFileBytes THEN 'too_large'
      ELSE 'claimable'
    END`;
}

const NEW = `(j.job_key IS NULL OR ${NEW_CONTENT})`;

function bindings(rules: ClaimRules): Record<string, string | number> {
  const { now, providers, session } = rules;
  return {
    now,
    oldest: now - rules.maxAgeSeconds,
    newest: now - rules.minIdleSeconds,
    sources: JSON.stringify(rules.sources),
    currentThread: rules.currentThread ?? "",
    maxFileBytes: rules.maxFileBytes ?? Number.MAX_SAFE_INTEGER,
    ...(providers.type !== "any" && { providers: JSON.stringify(providers.providers) }),
    ...(session !== undefined && { session }),
  };
}

export function explainThread(db: Database, threadId: string, rules: ClaimRules): Verdict | "unknown_thread" {
  const sql = `SELECT ${verdictSql(rules)} AS verdict FROM threads t ${JOINS} WHERE t.id = $threadId`;
  const row = db
    .query<{ verdict: Verdict }, Record<string, string | number>>(sql)
    .get({ ...bindings(rules), threadId });
  return row?.verdict ?? "unknown_thread";
}

/** Call inside a read transaction. Looks at every thread, so this is for people, not for the pipeline. */
export function stageOneStatus(db: Database, rules: ClaimRules): StageOneStatus {
  const sql = `SELECT ${verdictSql(rules)} AS verdict, count(*) AS n FROM threads t ${JOINS} GROUP BY 1`;
  const counts = db.query<{ verdict: Verdict; n: number }, Record<string, string | number>>(sql).all(bindings(rules));
  const waiting: Partial<Record<WaitReason, number>> = {};
  let pending = 0;
  for (const { verdict, n } of counts) {
    if (verdict === "claimable") pending = n;
    else if (verdict !== "up_to_date") waiting[verdict] = n;
  }
  return { pending, ...countJobs(db, rules.now), waiting, failures: failures(db) };
}

function countJobs(db: Database, now: number): Record<"running" | "stale" | "done" | "error", number> {
  const sql = `
    SELECT CASE WHEN j.status = 'running' AND NOT ${FRESH} THEN 'stale' ELSE j.status END AS state, count(*) AS n
    FROM jobs j WHERE j.kind = 'memory_stage1' GROUP BY 1`;
  const rows = db.query<{ state: string; n: number }, { now: number }>(sql).all({ now });
  const count = (state: string) => rows.find((row) => row.state === state)?.n ?? 0;
  return { running: count("running"), stale: count("stale"), done: count("done"), error: count("error") };
}

function failures(db: Database): JobFailure[] {
  return listFailedJobs(db, "memory_stage1").map(jobFailure);
}

/** What a person wants to know of a failed job. */
export function jobFailure({ jobKey, lastError, finishedAt, retryAt, retryRemaining }: JobRow): JobFailure {
  return {
    jobKey,
    error: lastError ?? "unknown",
    finishedAt,
    retryAt: retryRemaining > 0 ? retryAt : null,
    retryRemaining,
  };
}
