import type { ThreadSettings } from "#agent/settings.ts";
import type { HookDispatcher } from "#hooks/dispatch.ts";
import type { HookVerdict } from "#hooks/output.ts";
import type { AgentFacts, EventFacts } from "#hooks/payloads.ts";
import { printable } from "#lib/printable.ts";
import type { Event } from "#protocol/events.ts";

/** A thread whose hooks are run: the session's own or that of a sub-agent. */
export interface HookedThread {
  settings: ThreadSettings;
  /** Its rollout, or null. */
  transcriptPath: string | null;
  /** Gets what hooks have to say to people. */
  emit: (event: Event) => void;
}

/** What hooks are told of the sub-agent whose thread this is; null for the session's own. */
export function agentFacts({ settings, transcriptPath }: HookedThread): AgentFacts | null {
  const { threadId, subagent, model } = settings;
  return subagent === undefined ? null : { id: threadId, type: subagent, model: model.slug, transcriptPath };
}

/** Runs the hooks of an event and shows what they have to say. Rejects with the signal's reason. */
export async function fire(
  dispatcher: HookDispatcher,
  { emit }: Pick<HookedThread, "emit">,
  facts: EventFacts,
  signal: AbortSignal,
): Promise<HookVerdict> {
  const verdict = await dispatcher.fire(facts, signal, (event, message) =>
    emit({ type: "hook_started", event, message }),
  );
  show(verdict, emit);
  const reason = unseenBlock(facts, verdict);
  if (reason !== null) emit({ type: "hook_blocked", event: facts.event, reason });
  return verdict;
}

/** Of other events, the end of the turn says that a hook blocked something. */
const BLOCKS_UNSEEN: ReadonlySet<EventFacts["event"]> = new Set([
  "PreToolUse",
  "PermissionRequest",
  "PostToolUse",
  "Stop",
  "SubagentStop",
]);
/** Characters of a reason that people are shown. */
const SHOWN_REASON_CHARS = 2000;

/** Why something does not go on although nothing else tells people; a hook that failed has been shown. */
function unseenBlock({ event }: EventFacts, { block, permission, messages }: HookVerdict): string | null {
  const reason = block ?? (permission?.behavior === "deny" ? permission.message : null);
  if (reason === null || !BLOCKS_UNSEEN.has(event) || messages.includes(reason)) return null;
  return reason.slice(0, SHOWN_REASON_CHARS);
}

/** Tells hooks whose answer changes nothing. */
export function observe(dispatcher: HookDispatcher, { emit }: Pick<HookedThread, "emit">, facts: EventFacts): void {
  dispatcher.observe(
    facts,
    (event, message) => emit({ type: "hook_started", event, message }),
    (verdict) => show(verdict, emit),
  );
}

/** What a program printed reaches people, at the end of a session without anything in between. */
function show({ messages }: HookVerdict, emit: (event: Event) => void): void {
  for (const message of messages) emit({ type: "warning", message: printable(message) });
}
