import { parseTimestamp } from "#lib/clock.ts";

/** A server that wants a longer wait than this gets no retry: the turn ends and says why. */
const MAX_RETRY_AFTER_MS = 120_000;

/**
 * The wait that a `retry-after` header asks for: seconds (a fraction is allowed) or an HTTP date. A
 * moment that has passed is 0. Undefined when absent, malformed or over MAX_RETRY_AFTER_MS.
 */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  const text = header?.trim();
  if (!text) return undefined;
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : untilDate(text, nowMs);
  return ms === undefined || ms > MAX_RETRY_AFTER_MS ? undefined : Math.ceil(ms);
}

function untilDate(text: string, nowMs: number): number | undefined {
  if (!/^[A-Za-z]{3,9},? /.test(text)) return undefined;
  const at = parseTimestamp(text);
  return at === undefined ? undefined : Math.max(0, at - nowMs);
}

/** The wait that a rate-limit message asks for ("… try again in 1.5s", "… in 20ms", "… in 3 seconds"). */
export function delayInMessage(message: string): number | undefined {
  const [, amount, unit] = /try again in\s*(\d+(?:\.\d+)?)\s*(ms|s|seconds?)\b/i.exec(message) ?? [];
  if (amount === undefined || unit === undefined) return undefined;
  const ms = Math.ceil(Number(amount) * (unit.toLowerCase() === "ms" ? 1 : 1000));
  return ms > MAX_RETRY_AFTER_MS ? undefined : ms;
}
