import { randomInt } from "./ids.ts";

/** Wait before the first retry; every further one doubles it (measured on Codex CLI 0.101). */
const FIRST_BACKOFF_MS = 200;
/** Doubling stops here, so that a budget of 100 retries cannot sleep for hours. */
const MAX_BACKOFF_MS = 60_000;

/** Milliseconds to wait before retry number `attempt` (1-based): 200 × 2^(attempt−1), ±10 %, at most a minute. */
export function backoffMs(attempt: number): number {
  const base = Math.min(FIRST_BACKOFF_MS * 2 ** (attempt - 1), MAX_BACKOFF_MS);
  return Math.round((base * randomInt(900, 1100)) / 1000);
}
