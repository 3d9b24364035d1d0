import { describe, expect, test } from "bun:test";
import {
  hasAttemptLeft,
  isFresh,
  isStale,
  nextUtcMidnight,
  phaseTwoState,
  retriesAfterClaim,
  utcDayStart,
} from "#state/lease.ts";
import type { JobRow } from "#state/rows.ts";
import { DAY, T } from "./home.ts";

const JOB: JobRow = {
  kind: "memory_consolidate_global",
  jobKey: "global",
  status: "pending",
  workerId: null,
  ownershipToken: null,
  startedAt: null,
  finishedAt: null,
  leaseUntil: null,
  retryAt: null,
  retryRemaining: 3,
  lastError: null,
  inputWatermark: null,
  lastSuccessWatermark: null,
  discards: 0,
};

describe("a lease", () => {
  test("is fresh until the second it ends", () => {
    expect(isFresh({ status: "running", leaseUntil: T + 1 }, T)).toBe(true);
    expect(isFresh({ status: "running", leaseUntil: T }, T)).toBe(false);
    expect(isFresh({ status: "running", leaseUntil: null }, T)).toBe(false);
    expect(isFresh({ status: "done", leaseUntil: T + 1 }, T)).toBe(false);
  });

  test("is stale only while the job runs", () => {
    expect(isStale({ status: "running", leaseUntil: T }, T)).toBe(true);
    expect(isStale({ status: "running", leaseUntil: null }, T)).toBe(true);
    expect(isStale({ status: "running", leaseUntil: T + 1 }, T)).toBe(false);
    expect(isStale({ status: "pending", leaseUntil: null }, T)).toBe(false);
  });
});

describe("attempts", () => {
  test("are left while there are retries, or when the last was given back", () => {
    expect(hasAttemptLeft({ status: "error", retryRemaining: 1 })).toBe(true);
    expect(hasAttemptLeft({ status: "error", retryRemaining: 0 })).toBe(false);
    expect(hasAttemptLeft({ status: "running", retryRemaining: 0 })).toBe(false);
    expect(hasAttemptLeft({ status: "pending", retryRemaining: 0 })).toBe(true);
  });

  test("are burned by a takeover alone", () => {
    expect(retriesAfterClaim({ status: "running", retryRemaining: 2 })).toBe(1);
    expect(retriesAfterClaim({ status: "error", retryRemaining: 2 })).toBe(2);
    expect(retriesAfterClaim({ status: "pending", retryRemaining: 2 })).toBe(2);
  });
});

describe("the UTC day", () => {
  test("ends at midnight, not after it", () => {
    const midnight = Math.floor(T / DAY) * DAY;
    expect([utcDayStart(T), nextUtcMidnight(T)]).toEqual([midnight, midnight + DAY]);
    expect([utcDayStart(midnight), nextUtcMidnight(midnight)]).toEqual([midnight, midnight + DAY]);
    expect(nextUtcMidnight(midnight - 1)).toBe(midnight);
  });
});

describe("the global job", () => {
  const state = (changes: Partial<JobRow>, dirty = true) => phaseTwoState({ ...JOB, ...changes }, dirty, T);

  test("is claimable when dirty, at rest and with an attempt left", () => {
    expect(phaseTwoState(undefined, true, T)).toBe("claimable");
    expect(phaseTwoState(undefined, false, T)).toBe("not_dirty");
    expect(state({})).toBe("claimable");
    expect(state({}, false)).toBe("not_dirty");
    expect(state({ status: "done" })).toBe("claimable");
    expect(state({ status: "running", leaseUntil: T })).toBe("claimable");
  });

  test("is left alone while owned, resting or used up", () => {
    expect(state({ status: "running", leaseUntil: T + 1 })).toBe("fresh");
    expect(state({ status: "error", retryAt: T + 1 })).toBe("backing_off");
    expect(state({ status: "error", retryAt: T })).toBe("claimable");
    expect(state({ status: "pending", retryAt: T + 1 })).toBe("backing_off");
    expect(state({ status: "error", retryRemaining: 0 })).toBe("exhausted");
    expect(state({ status: "running", leaseUntil: T, retryRemaining: 0 })).toBe("abandoned");
  });
});
