import { CLASSES, type Probe, type ProbeClass, type Verdict } from "./probe.ts";
import { PROBES } from "./probes/all.ts";

/** For one user, how many probes of each class did not meet what was expected, in either mode. */
export type WrongCounts = ReadonlyMap<ProbeClass, number>;

/** What surrounds the table in docs/sandbox.md. */
export const START =
  "<!-- generated from the battery; run `node_modules/.bin/bun test/sandbox/battery/document.ts` -->";
export const END = "<!-- end of generated part -->";

/** The table of docs/sandbox.md, with the lines around it. */
export function batteryTable(root: WrongCounts, ordinary: WrongCounts): string {
  const rows = CLASSES.map((name) =>
    row(
      name,
      PROBES.filter((probe) => probe.class === name),
      { root, ordinary },
    ),
  );
  const total = rows.reduce(
    (sums, [, ...numbers]) => sums.map((sum, index) => sum + (numbers[index] ?? 0)),
    [0, 0, 0, 0, 0],
  );
  const lines = [
    "| class | probes | refused under read-only | under workspace-write | wrong as root | wrong as an ordinary user |",
    "|---|---|---|---|---|---|",
    ...[...rows, ["all", ...total]].map((cells) => `| ${cells.join(" | ")} |`),
  ];
  return `${START}\n\n${lines.join("\n")}\n\n${END}`;
}

/** Probes of the class whose outcome is not the expected one, counted once per mode. */
export function countWrong(
  probes: readonly Probe[],
  outcomes: { readOnly: ReadonlyMap<string, Verdict>; workspaceWrite: ReadonlyMap<string, Verdict> },
): number {
  const wrong = probes.flatMap(({ id, readOnly, workspaceWrite }) => [
    outcomes.readOnly.get(id) !== readOnly,
    outcomes.workspaceWrite.get(id) !== workspaceWrite,
  ]);
  return wrong.filter(Boolean).length;
}

function row(
  name: ProbeClass,
  probes: readonly Probe[],
  wrong: { root: WrongCounts; ordinary: WrongCounts },
): [string, ...number[]] {
  const refused = (mode: "readOnly" | "workspaceWrite") => probes.filter((probe) => probe[mode] === "denied").length;
  const counts = [wrong.root.get(name) ?? 0, wrong.ordinary.get(name) ?? 0];
  return [name, probes.length, refused("readOnly"), refused("workspaceWrite"), ...counts];
}
