import type { ProbeClass } from "./probe.ts";
import { PROBES } from "./probes/all.ts";

/** Why Landlock does not meet what is expected of bubblewrap, and the probes that show it. */
interface Difference {
  why: string;
  /** Under which policies. */
  mode: "both" | "read-only" | "workspace-write";
  /** "root": only for root, and only on machines that have the device. */
  who: "everybody" | "root";
  probes: readonly string[];
}

/** Every probe whose outcome differs; the proxied network is not among them, as commands are refused there. */
const DIFFERENCES: readonly Difference[] = [
  {
    why: "modes, owners, times and attributes are outside what Landlock sees",
    mode: "both",
    who: "everybody",
    probes: ["change-mode", "set-user-id", "change-times", "attribute", "git-hook-mode", "codex-mode"],
  },
  {
    why: "modes, owners, times and attributes are outside what Landlock sees",
    mode: "read-only",
    who: "everybody",
    probes: ["own-mode", "own-times"],
  },
  {
    why: "modes, owners, times and attributes are outside what Landlock sees",
    mode: "workspace-write",
    who: "everybody",
    probes: ["link-mode", "link-times"],
  },
  {
    why: "nothing can be hidden while the rest is readable",
    mode: "both",
    who: "everybody",
    probes: [
      ...["credentials-read", "credentials-read-mcp", "credentials-by-proc", "credentials-archive"],
      "credentials-unmount",
    ],
  },
  {
    why: "what is below a writable folder is writable",
    mode: "workspace-write",
    who: "everybody",
    probes: [
      ...["git-config", "git-config-command", "git-hook", "git-head", "git-attributes", "git-worktree-config"],
      ...["git-lock", "git-move", "git-remove", "git-replace", "git-replace-by-link", "git-exchange", "git-unmount"],
      ...["git-file-change", "git-file-remove", "git-folder-config", "git-folder-hook", "git-worktree-head"],
      ...["git-folder-move-parent", "codex-config", "codex-rules", "codex-move", "codex-remove", "agents-skill"],
      ...["agents-move", "codex-appear", "codex-appear-file", "codex-appear-link", "codex-appear-rename"],
      ...["agents-appear", "agents-appear-link", "agents-race", "credentials-hard-link", "credentials-by-link"],
      ...["home-config", "home-rules", "credentials-overwrite", "credentials-remove", "home-move", "home-move-parent"],
      ...["hard-link-protected", "link-to-protected"],
    ],
  },
  {
    why: "there is no process namespace to end with the command",
    mode: "both",
    who: "everybody",
    probes: [
      ...["background", "no-hang-up", "own-session", "orphan", "stops-first"],
      ...["after-SIGKILL", "after-SIGTERM", "after-SIGINT", "after-SIGHUP"],
    ],
  },
  {
    why: "there is no process namespace to end with the command",
    mode: "workspace-write",
    who: "everybody",
    probes: ["writes-later"],
  },
  {
    why: "processes and interfaces of the machine can be seen",
    mode: "both",
    who: "everybody",
    probes: ["see-processes", "interfaces", "loopback-interfaces"],
  },
  {
    why: "there is no network namespace a loopback could be had in",
    mode: "workspace-write",
    who: "everybody",
    probes: ["loopback-own-server", "loopback-own-server-6", "loopback-own-datagrams"],
  },
  {
    why: "there are no private shared memory, terminals and /proc to write to",
    mode: "both",
    who: "everybody",
    probes: ["private-shared-memory", "own-memory", "worker-processes", "own-terminal"],
  },
  {
    why: "devices that root may read are not hidden",
    mode: "both",
    who: "root",
    probes: ["virtual-machines", "tunnels", "loop-devices", "virtual-console", "disk"],
  },
];

/** The probes that differ for everybody under the policy, sorted; those that differ for root on some machines. */
export function expectedDifferences(mode: "read-only" | "workspace-write"): { always: string[]; perhaps: string[] } {
  const within = DIFFERENCES.filter((difference) => difference.mode === "both" || difference.mode === mode);
  const probesFor = (who: Difference["who"]) =>
    within.filter((difference) => difference.who === who).flatMap(({ probes }) => probes);
  return { always: probesFor("everybody").sort(), perhaps: probesFor("root").sort() };
}

/** Classes that can be tried at all. */
export function isTried(name: ProbeClass): boolean {
  return name !== "proxied network";
}

/** The list of docs/sandbox.md: each reason with how many probes show it. */
export function landlockList(): string {
  const tried = PROBES.filter((probe) => isTried(probe.class)).length;
  const byReason = Map.groupBy(DIFFERENCES, ({ why }) => why);
  const lines = [...byReason].map(([why, differences]) => {
    const names = differences.flatMap(({ probes }) => probes);
    return `- ${why} (${names.length})`;
  });
  const modes = (["read-only", "workspace-write"] as const).map((mode) => expectedDifferences(mode).always.length);
  return `${LANDLOCK_START}\n\nOf ${tried} probes, ${modes[0]} end otherwise under \`read-only\` and ${modes[1]} under \`workspace-write\`, some more for root:\n\n${lines.join("\n")}\n\n${LANDLOCK_END}`;
}

export const LANDLOCK_START =
  "<!-- generated from the battery's expectations of Landlock; run `node_modules/.bin/bun test/sandbox/battery/document.ts` -->";
export const LANDLOCK_END = "<!-- end of the list for Landlock -->";
