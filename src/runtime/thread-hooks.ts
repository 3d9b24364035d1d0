import type { ThreadSettings } from "#agent/settings.ts";
import type { TurnHooks } from "#agent/turn/turn-hooks.ts";
import { readHooks } from "#hooks/config.ts";
import { HookDispatcher } from "#hooks/dispatch.ts";
import type { SessionFacts } from "#hooks/payloads.ts";
import type { CallMcpTool } from "#hooks/run-mcp-hook.ts";
import { trustedHooks } from "#hooks/trust.ts";
import { environment } from "#lib/env.ts";
import { printable } from "#lib/printable.ts";
import type { Event } from "#protocol/events.ts";
import type { ToolHooks } from "#tools/tool-hooks.ts";
import { credentialNames } from "./credential-names.ts";
import type { Engines } from "./engines.ts";
import { fire, type HookedThread } from "./hooked-thread.ts";
import { hookedTools } from "./hooked-tools.ts";
import { hookedTurns } from "./hooked-turns.ts";

/** The hooks of one session: for its own thread and those of its reviews. */
export interface ThreadHooks {
  turns(thread: HookedThread): TurnHooks;
  tools(thread: HookedThread): ToolHooks;
  /** Runs what is for the end of the session and ends what still runs. */
  close(): Promise<void>;
  /** What is configured and not run. */
  warnings: readonly string[];
}

/** Reads the hooks. Throws the CodexError of a file that cannot be used. */
export function createThreadHooks(
  engines: Engines,
  settings: ThreadSettings,
  session: { rolloutPath: string | null; isResumed: boolean; emit: (event: Event) => void },
): ThreadHooks {
  const { settings: configured, codexHome, bypassHookTrust } = engines.options;
  const parsed = readHooks(configured.hookSources);
  const { hooks, warnings } = trustedHooks(parsed.hooks, codexHome, { bypass: bypassHookTrust === true });
  const hidden = new Set(credentialNames(configured));
  const env = Object.fromEntries(Object.entries(environment()).filter(([name]) => !hidden.has(name)));
  const facts = sessionFacts(settings, session.rolloutPath);
  const dispatcher = new HookDispatcher({ hooks, session: facts, env, callMcpTool: mcpToolCaller(engines) });
  return {
    turns: (thread) => hookedTurns(dispatcher, thread, session.isResumed ? "resume" : "startup"),
    tools: (thread) => hookedTools(dispatcher, thread),
    close: async () => {
      const ending = { event: "SessionEnd", reason: "other" } as const;
      await dispatcher.close(fire(dispatcher, session, ending, new AbortController().signal));
    },
    warnings: [...parsed.warnings, ...warnings].map(printable),
  };
}

/** Hooks may call any configured server, whatever of it the model is offered. */
function mcpToolCaller({ mcp }: Engines): CallMcpTool {
  return async ({ server, tool, input }, signal) => {
    if (mcp === undefined) throw new Error(`no MCP server "${server}" is configured or enabled`);
    return mcp.callTool({ server, tool, arguments: input }, signal);
  };
}

function sessionFacts(settings: ThreadSettings, transcriptPath: string | null): SessionFacts {
  return {
    sessionId: settings.threadId,
    transcriptPath,
    cwd: settings.cwd,
    model: settings.model.slug,
    permissionMode: settings.approvalPolicy === "never" ? "bypassPermissions" : "default",
  };
}
