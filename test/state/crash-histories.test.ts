import { expect } from "bun:test";
import { memoryRequirement } from "../compat/memory-cite.ts";
import { formatHistory, runHistories } from "./crash/run.ts";

const HISTORIES = 200;

memoryRequirement(
  ["mem.1.5", "mem.1.7", "mem.4.1", "mem.4.3"],
  `${HISTORIES} histories with killed workers, wrong clocks and late owners keep every promise`,
  async () => {
    const summary = await runHistories(1, HISTORIES);
    expect(summary.failed.map(formatHistory).join("\n\n")).toBe("");
    expect(summary.histories).toBe(HISTORIES);
    expect(summary.smallest.operations).toBeGreaterThanOrEqual(30);
    expect(summary.smallest.kills).toBeGreaterThanOrEqual(1);
    // Most deaths must be heard of as a lost answer, or nothing was interrupted.
    expect(summary.lost).toBeGreaterThan(HISTORIES / 2);
  },
  300_000,
);
