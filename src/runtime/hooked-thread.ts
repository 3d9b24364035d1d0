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
  return verdict;
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
