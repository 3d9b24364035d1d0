import type { RateLimitSnapshot, RateLimitWindow } from "#protocol/usage.ts";

type Credits = RateLimitSnapshot["credits"];

/**
 * The account's limits as response headers tell them. A window that is not mentioned, or is all zero, is
 * null; credits that are not mentioned stay as `previous` had them.
 */
export function rateLimitsFromHeaders(headers: Headers, previous: RateLimitSnapshot | undefined): RateLimitSnapshot {
  return {
    limit_id: "codex",
    limit_name: null,
    primary: windowOf(headers, "primary"),
    secondary: windowOf(headers, "secondary"),
    credits: creditsOf(headers) ?? previous?.credits ?? null,
    plan_type: null,
  };
}

function windowOf(headers: Headers, name: "primary" | "secondary"): RateLimitWindow | null {
  const used = numberOf(headers.get(`x-codex-${name}-used-percent`));
  if (used === null) return null;
  const minutes = integerOf(headers.get(`x-codex-${name}-window-minutes`));
  const resetsAt = integerOf(headers.get(`x-codex-${name}-reset-at`));
  if (used === 0 && (minutes ?? 0) === 0 && resetsAt === null) return null;
  return { used_percent: used, window_minutes: minutes, resets_at: resetsAt };
}

function creditsOf(headers: Headers): Credits {
  const hasCredits = flagOf(headers.get("x-codex-credits-has-credits"));
  const unlimited = flagOf(headers.get("x-codex-credits-unlimited"));
  if (hasCredits === null || unlimited === null) return null;
  return { has_credits: hasCredits, unlimited, balance: headers.get("x-codex-credits-balance")?.trim() || null };
}

function numberOf(text: string | null): number | null {
  if (text === null || text.trim() === "") return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

function integerOf(text: string | null): number | null {
  const value = numberOf(text);
  return value !== null && Number.isInteger(value) ? value : null;
}

function flagOf(text: string | null): boolean | null {
  switch (text?.trim().toLowerCase()) {
    case "true":
    case "1":
      return true;
    case "false":
    case "0":
      return false;
    default:
      return null;
  }
}
