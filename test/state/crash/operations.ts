import type { ClaimRules } from "#state/claims.ts";
import type { JobKind } from "#state/rows.ts";

export const STAGE_ONE = "memory_stage1";
export const GLOBAL = "memory_consolidate_global";

interface Owned {
  kind: JobKind;
  jobKey: string;
  token: string;
}

/** One call of the store by one worker, with the clock of that worker. */
export type Operation =
  | { type: "claim"; now: number; limit: number; cap: number; worker: string }
  | ({ type: "heartbeat"; now: number } & Owned)
  | ({ type: "release"; retryAt: number | null } & Owned)
  | ({ type: "finish"; now: number; empty: boolean } & Owned)
  | ({ type: "fail"; now: number } & Owned)
  | { type: "sync"; dies: boolean }
  | { type: "claim-global"; now: number; worker: string }
  | { type: "finish-global"; now: number; token: string; discards: boolean; dies: boolean }
  | { type: "fail-global"; now: number; token: string };

/** What the worker answered. `before` and `after` are the audit's last entries around a claim. */
export type Outcome =
  | { claims: { threadId: string; token: string }[]; before: number; after: number }
  | { done: boolean }
  | { token: string | null };

/** When the worker kills itself: not, before its n-th statement, or when all is done but nobody has heard of it. */
export type Death = { type: "none" } | { type: "statement"; n: number } | { type: "after" };

export interface Request {
  id: number;
  home: string;
  operation: Operation;
  death: Death;
}

/** One entry of a history. `lost`: the worker was killed, so what happened is for the database to say. */
export interface Entry {
  client: number;
  operation: Operation;
  result: Outcome | "lost";
}

const TEN_YEARS = 10 * 365 * 86_400;

/** Every thread of a history stays in the window, however far the clocks run. */
export function historyRules(now: number): ClaimRules {
  return {
    now,
    minIdleSeconds: 0,
    maxAgeSeconds: TEN_YEARS,
    sources: ["cli", "vscode"],
    providers: { type: "any" },
  };
}
