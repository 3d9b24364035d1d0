/**
 * Runs the whole battery as root and as an ordinary user, prints its table, and puts it into docs/sandbox.md.
 * Has to be started as root on Linux with everything the probes need.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { accounts } from "../support.ts";
import { LANDLOCK_END, LANDLOCK_START, landlockList } from "./landlock.ts";
import { missingFor } from "./needs.ts";
import { CLASSES, type ProbeClass } from "./probe.ts";
import { PROBES } from "./probes/all.ts";
import { runProbes } from "./run.ts";
import { batteryTable, countWrong, END, START } from "./table.ts";

const DOCUMENT = join(import.meta.dir, "../../../docs/sandbox.md");

const [root, ordinary] = accounts;
if (root?.uid !== 0 || ordinary === undefined) throw new Error("start this as root, with setpriv at hand");
const missing = PROBES.flatMap((probe) => missingFor(probe) ?? []);
if (missing.length > 0) throw new Error(`some probes cannot be run here: ${[...new Set(missing)].join(", ")}`);

const counts: Map<ProbeClass, number>[] = [];
for (const account of [root, ordinary]) {
  const wrong = new Map<ProbeClass, number>();
  for (const name of CLASSES) {
    const probes = PROBES.filter((probe) => probe.class === name);
    const readOnly = await runProbes(probes, { account, mode: "read-only" });
    const workspaceWrite = await runProbes(probes, { account, mode: "workspace-write" });
    wrong.set(name, countWrong(probes, { readOnly, workspaceWrite }));
  }
  counts.push(wrong);
}
const table = batteryTable(counts[0] ?? new Map(), counts[1] ?? new Map());
console.log(table);
replacePart(START, END, table);
replacePart(LANDLOCK_START, LANDLOCK_END, landlockList());

function replacePart(first: string, last: string, part: string): void {
  const text = readFileSync(DOCUMENT, "utf8");
  const [start, end] = [text.indexOf(first), text.indexOf(last)];
  if (start === -1 || end === -1) throw new Error(`${DOCUMENT} has no place for "${first}"`);
  writeFileSync(DOCUMENT, text.slice(0, start) + part + text.slice(end + last.length));
}
