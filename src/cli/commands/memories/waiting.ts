import type { MemorySettings } from "#config/memory-settings.ts";
import type { WaitReason } from "#state/claims.ts";
import { duration, number } from "./text.ts";

type Waiting = Partial<Record<WaitReason, number>>;

/** Reasons that pass by themselves or by a change of the configuration's; the others leave a session out. */
const PASSING: ReadonlySet<WaitReason> = new Set([
  "running",
  "current",
  "too_recent",
  "over_budget",
  "backing_off",
  "provider",
  "too_large",
]);

/** Sessions that will be read later, and those that will not be as things are. */
export function splitWaiting(waiting: Waiting): { waiting: Waiting; leftOut: Waiting } {
  const entries = Object.entries(waiting) as [WaitReason, number][];
  const pick = (passing: boolean) =>
    Object.fromEntries(entries.filter(([reason, count]) => count > 0 && PASSING.has(reason) === passing)) as Waiting;
  return { waiting: pick(true), leftOut: pick(false) };
}

export function sumOf(waiting: Waiting): number {
  return Object.values(waiting).reduce((sum, count) => sum + count, 0);
}

/** "12 waiting: 9 idle < 12 h, 3 over today's token budget" */
export function waitingText(label: string, waiting: Waiting, memories: MemorySettings): string {
  const entries = (Object.entries(waiting) as [WaitReason, number][]).sort(([, a], [, b]) => b - a);
  const parts = entries.map(([reason, count]) => `${number(count)} ${reasonText(reason, memories)}`);
  return `${number(sumOf(waiting))} ${label}: ${parts.join(", ")}`;
}

function reasonText(reason: WaitReason, memories: MemorySettings): string {
  switch (reason) {
    case "running":
      return "being read";
    case "archived":
      return "archived";
    case "disabled":
      return "with memories turned off";
    case "polluted":
      return "that saw web content";
    case "no_user_message":
      return "in which nothing was said";
    case "current":
      return "going on now";
    case "source":
      return `from sources that do not feed memories (memories.sources is ${JSON.stringify(memories.sources)})`;
    case "exhausted":
      return "failed with no retry left";
    case "too_recent":
      return `idle < ${duration(memories.minIdleSeconds)}`;
    case "too_old":
      return `older than ${duration(memories.maxAgeSeconds)}`;
    case "over_budget":
      return "over today's token budget";
    case "backing_off":
      return "failed, to be tried again";
    case "provider":
      return "whose provider cannot be called now";
    case "too_large":
      return "too large for this run";
  }
}
