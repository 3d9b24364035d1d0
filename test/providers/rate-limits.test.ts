import { expect, test } from "bun:test";
import { rateLimitsFromHeaders } from "#providers/rate-limits.ts";

const parse = (headers: Record<string, string>) => rateLimitsFromHeaders(new Headers(headers), undefined);

test("both windows and credits", () => {
  expect(
    parse({
      "x-codex-primary-used-percent": "12.5",
      "x-codex-primary-window-minutes": "300",
      "x-codex-primary-reset-at": "1895389860",
      "x-codex-secondary-used-percent": "40",
      "x-codex-credits-has-credits": "True",
      "x-codex-credits-unlimited": "0",
      "x-codex-credits-balance": "9.99",
    }),
  ).toEqual({
    limit_id: "codex",
    limit_name: null,
    primary: { used_percent: 12.5, window_minutes: 300, resets_at: 1895389860 },
    secondary: { used_percent: 40, window_minutes: null, resets_at: null },
    credits: { has_credits: true, unlimited: false, balance: "9.99" },
    plan_type: null,
  });
});

test("a window needs a usage that is a number, and something in it", () => {
  const primary = (used: string, more: Record<string, string> = {}) =>
    parse({ "x-codex-primary-used-percent": used, ...more }).primary;
  expect(primary("abc")).toBeNull();
  expect(primary("")).toBeNull();
  expect(primary("NaN")).toBeNull();
  expect(primary("0")).toBeNull();
  expect(primary("0", { "x-codex-primary-window-minutes": "0" })).toBeNull();
  expect(primary("0", { "x-codex-primary-window-minutes": "300" })).toEqual({
    used_percent: 0,
    window_minutes: 300,
    resets_at: null,
  });
  expect(primary("0", { "x-codex-primary-reset-at": "5" })).toEqual({
    used_percent: 0,
    window_minutes: null,
    resets_at: 5,
  });
  expect(primary("1", { "x-codex-primary-window-minutes": "2.5", "x-codex-primary-reset-at": "soon" })).toEqual({
    used_percent: 1,
    window_minutes: null,
    resets_at: null,
  });
});

test("credits need both flags; without them the earlier ones stay", () => {
  const flag = (has: string, unlimited: string) =>
    parse({ "x-codex-credits-has-credits": has, "x-codex-credits-unlimited": unlimited }).credits;
  expect(flag("1", "true")).toEqual({ has_credits: true, unlimited: true, balance: null });
  expect(flag("yes", "true")).toBeNull();
  expect(parse({ "x-codex-credits-has-credits": "1" }).credits).toBeNull();
  const earlier = parse({ "x-codex-credits-has-credits": "1", "x-codex-credits-unlimited": "0" });
  expect(rateLimitsFromHeaders(new Headers(), earlier)).toEqual(earlier);
});
