import type { ThreadSettings } from "#agent/settings.ts";
import type { CompletedTurn } from "#agent/turn/turn-deps.ts";
import { environment } from "#lib/env.ts";
import { messageOf } from "#lib/errors.ts";
import type { Event } from "#protocol/events.ts";
import { credentialNames } from "./credential-names.ts";
import type { Engines } from "./engines.ts";

/** Runs the configured `notify` program after each completed turn, without our credentials. */
export function notifier(
  engines: Engines,
  settings: ThreadSettings,
  emit: (event: Event) => void,
): (turn: CompletedTurn) => void {
  const command = engines.options.settings.notify;
  if (command === undefined || settings.subagent !== undefined) return () => {};
  return (turn) => {
    const hidden = new Set(credentialNames(engines.options.settings));
    const env = Object.fromEntries(Object.entries(environment()).filter(([name]) => !hidden.has(name)));
    const run = async () => {
      const { notifyTurnComplete } = await import("#notify/program.ts");
      const notification = { threadId: settings.threadId, cwd: settings.cwd, ...turn };
      const warning = notifyTurnComplete(command, notification, { env });
      if (warning !== null) emit({ type: "warning", message: warning });
    };
    engines.pending.add(run().catch((error) => emit({ type: "warning", message: messageOf(error) })));
  };
}
