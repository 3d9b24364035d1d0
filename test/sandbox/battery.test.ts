import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { missingFor } from "./battery/needs.ts";
import { CLASSES, type Probe, type Verdict } from "./battery/probe.ts";
import { PROBES } from "./battery/probes/all.ts";
import { runProbes } from "./battery/run.ts";
import { batteryTable } from "./battery/table.ts";
import { accounts, whySkipped } from "./support.ts";

const skip = (await whySkipped()) !== undefined;
setDefaultTimeout(120_000);

const runnable = PROBES.filter((probe) => {
  const missing = missingFor(probe);
  if (missing !== undefined) console.warn(`PROBE NOT TRIED: ${probe.id}: ${missing}`);
  return missing === undefined;
});
const ofClass = (name: string) => runnable.filter((probe) => probe.class === name);
const listed = (probes: readonly Probe[], verdict: (probe: Probe) => Verdict | undefined) =>
  Object.fromEntries(probes.map((probe) => [probe.id, verdict(probe)]));

test("the battery has at least 120 probes with names of their own, in every class", () => {
  expect(PROBES.length).toBeGreaterThanOrEqual(120);
  expect(new Set(PROBES.map(({ id }) => id)).size).toBe(PROBES.length);
  for (const name of CLASSES) expect(PROBES.some((probe) => probe.class === name)).toBe(true);
});

describe.skipIf(skip).each(accounts)("the battery as $name", (account) => {
  test.each([...CLASSES])("%s", async (name) => {
    const probes = ofClass(name);
    const [readOnly, workspaceWrite] = await Promise.all(
      (["read-only", "workspace-write"] as const).map((mode) => runProbes(probes, { account, mode })),
    );
    expect(listed(probes, ({ id }) => readOnly?.get(id))).toEqual(listed(probes, (probe) => probe.readOnly));
    expect(listed(probes, ({ id }) => workspaceWrite?.get(id))).toEqual(
      listed(probes, (probe) => probe.workspaceWrite),
    );
  });
});

test("the table in docs/sandbox.md is that of these probes, with nothing wrong", () => {
  const text = readFileSync(join(import.meta.dir, "../../docs/sandbox.md"), "utf8");
  expect(text).toContain(batteryTable(new Map(), new Map()));
});

describe("without a sandbox", () => {
  test.each([...CLASSES])("%s would be possible, so that a denial means something", async (name) => {
    const probes = ofClass(name).filter(({ harmful, privileged }) => harmful !== true && privileged !== true);
    const [account] = accounts;
    if (account === undefined) throw new Error("no account to run as");
    const done = await runProbes(probes, { account, mode: "danger-full-access" });
    expect(listed(probes, ({ id }) => done.get(id))).toEqual(listed(probes, () => "allowed"));
  });
});
