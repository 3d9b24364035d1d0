import type { ThreadSettings } from "#agent/settings.ts";
import type { TurnHooks } from "#agent/turn/turn-hooks.ts";
import { readHooks } from "#hooks/config.ts";
import { HookDispatcher } from "#hooks/dispatch.ts";
import type { HookVerdict } from "#hooks/output.ts";
import type { EventFacts, SessionFacts, ToolFacts } from "#hooks/payloads.ts";
import { trustedHooks } from "#hooks/trust.ts";
import { environment } from "#lib/env.ts";
import type { Event } from "#protocol/events.ts";
import type { ToolHooks } from "#tools/tool-hooks.ts";
import { credentialNames } from "./credential-names.ts";
import type { Engines } from "./engines.ts";
import { hookToolFacts } from "./hook-tool-facts.ts";

/** The hooks of one session: its own thread's, and those around the tool calls of its reviews. */
export interface ThreadHooks {
  turns: TurnHooks;
  /** For the thread of these settings; events of blocked and failed hooks go to `emit`. */
  tools(settings: ThreadSettings, emit: (event: Event) => void): ToolHooks;
  /** Runs what is for the end of the session and ends what still runs. */
  close(): Promise<void>;
  /** What is configured and not run. */
  warnings: readonly string[];
}

/** More often than this, a turn is not kept going: a hook that always blocks must not run for ever. */
const MAX_CONTINUATIONS = 20;

/** Reads the hooks. Throws the CodexError of a file that cannot be used. */
export function createThreadHooks(
  engines: Engines,
  settings: ThreadSettings,
  session: { rolloutPath: string | null; isResumed: boolean; emit: (event: Event) => void },
): ThreadHooks {
  const { settings: configured, codexHome } = engines.options;
  const parsed = readHooks(configured.hookSources);
  const { hooks, warnings } = trustedHooks(parsed.hooks, codexHome);
  const hidden = new Set(credentialNames(configured));
  const env = Object.fromEntries(Object.entries(environment()).filter(([name]) => !hidden.has(name)));
  const dispatcher = new HookDispatcher(hooks, sessionFacts(settings, session.rolloutPath), env);
  const { emit } = session;
  return {
    turns: turnHooks(dispatcher, session.isResumed ? "resume" : "startup", emit),
    tools: (of, emitOf) => toolHooks(dispatcher, of, emitOf),
    close: async () => {
      const ending = fire(dispatcher, { event: "SessionEnd", reason: "other" }, new AbortController().signal, emit);
      await Promise.all([ending, dispatcher.close()]);
    },
    warnings: [...parsed.warnings, ...warnings],
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

async function fire(
  dispatcher: HookDispatcher,
  facts: EventFacts,
  signal: AbortSignal,
  emit: (event: Event) => void,
): Promise<HookVerdict> {
  const verdict = await dispatcher.fire(facts, signal);
  for (const message of verdict.messages) emit({ type: "warning", message });
  return verdict;
}

function turnHooks(dispatcher: HookDispatcher, source: "startup" | "resume", emit: (event: Event) => void): TurnHooks {
  let isStarted = false;
  return {
    prompted: async ({ id: turnId, signal }, prompt) => {
      const started = isStarted ? null : await fire(dispatcher, { event: "SessionStart", source }, signal, emit);
      isStarted = true;
      if (started?.stop) return started;
      const verdict = await fire(dispatcher, { event: "UserPromptSubmit", turnId, prompt }, signal, emit);
      return { block: verdict.block, contexts: [...(started?.contexts ?? []), ...verdict.contexts] };
    },
    stopping: async ({ id: turnId, signal }, { lastAgentMessage, continuations }) => {
      const stopHookActive = continuations > 0;
      const facts = { event: "Stop", turnId, stopHookActive, lastAssistantMessage: lastAgentMessage } as const;
      const verdict = await fire(dispatcher, facts, signal, emit);
      if (verdict.stop || verdict.block === null) return { goOn: null };
      if (continuations < MAX_CONTINUATIONS) return { goOn: verdict.block };
      const message = `A Stop hook has kept the turn going ${MAX_CONTINUATIONS} times; it ends now, although the hook wants more: ${verdict.block}`;
      emit({ type: "warning", message });
      return { goOn: null };
    },
    compacting: async ({ id: turnId, signal }, trigger) =>
      await fire(dispatcher, { event: "PreCompact", turnId, trigger }, signal, emit),
    compacted: async ({ id: turnId, signal }, trigger) => {
      const verdict = await fire(dispatcher, { event: "PostCompact", turnId, trigger }, signal, emit);
      const started = await fire(dispatcher, { event: "SessionStart", source: "compact" }, signal, emit);
      const stopped = [verdict, started].find(({ stop }) => stop);
      return { block: stopped?.block ?? null, contexts: started.contexts };
    },
  };
}

function toolHooks(dispatcher: HookDispatcher, settings: ThreadSettings, emit: (event: Event) => void): ToolHooks {
  const agent = settings.subagent === undefined ? null : { id: settings.threadId, type: settings.subagent };
  /** Of calls that run, by call id: a request for permission names its call only so. */
  const running = new Map<string, ToolFacts>();
  return {
    before: async (call, { turnId, signal }) => {
      const tool = { agent, ...hookToolFacts(call) };
      if (dispatcher.has("PermissionRequest")) running.set(call.callId, tool);
      if (!dispatcher.has("PreToolUse")) return { block: null, contexts: [] };
      return await fire(dispatcher, { event: "PreToolUse", turnId, ...tool }, signal, emit);
    },
    permission: async (request, { turnId, signal }) => {
      const tool = running.get(request.callId);
      if (tool === undefined) return null;
      const verdict = await fire(dispatcher, { event: "PermissionRequest", turnId, ...tool }, signal, emit);
      if (verdict.block === null) return verdict.permission;
      return { behavior: "deny", message: verdict.block, interrupt: verdict.stop };
    },
    after: async (call, { output }, { turnId, signal }) => {
      running.delete(call.callId);
      if (!dispatcher.has("PostToolUse")) return { block: null, contexts: [] };
      const facts = { event: "PostToolUse", turnId, agent, ...hookToolFacts(call), toolResponse: output } as const;
      return await fire(dispatcher, facts, signal, emit);
    },
  };
}
