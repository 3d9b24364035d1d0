import type { HookedTurn, TurnHooks } from "#agent/turn/turn-hooks.ts";
import type { HookDispatcher } from "#hooks/dispatch.ts";
import type { EventFacts, TurnFacts } from "#hooks/payloads.ts";
import { agentFacts, fire, type HookedThread, observe } from "./hooked-thread.ts";

/** More often than this, a turn is not kept going: a hook that always blocks must not run for ever. */
const MAX_CONTINUATIONS = 20;

/**
 * The hooks around the turns of one thread. What begins and ends a session for the user's own thread begins and ends
 * a sub-agent in the thread of one; only the user's own turns are told of as interrupted.
 */
export function hookedTurns(dispatcher: HookDispatcher, thread: HookedThread, source: "startup" | "resume"): TurnHooks {
  const agent = agentFacts(thread);
  const of = ({ id }: HookedTurn): TurnFacts => ({ turnId: id, agent });
  const run = (turn: HookedTurn, facts: EventFacts) => fire(dispatcher, thread, facts, turn.signal);
  const begin = (turn: HookedTurn): EventFacts =>
    agent === null ? { event: "SessionStart", source } : { event: "SubagentStart", ...of(turn) };
  let hasBegun = false;
  return {
    prompted: async (turn, prompt) => {
      const begun = hasBegun ? null : await run(turn, begin(turn));
      if (begun !== null && begun.block !== null) return begun;
      hasBegun = true;
      const verdict = await run(turn, { event: "UserPromptSubmit", prompt, ...of(turn) });
      return { block: verdict.block, contexts: [...(begun?.contexts ?? []), ...verdict.contexts] };
    },
    requesting: (turn) => observe(dispatcher, thread, { event: "PreModelRequest", ...of(turn) }),
    responded: (turn, end) => observe(dispatcher, thread, { event: "PostModelRequest", ...end, ...of(turn) }),
    stopping: async (turn, { lastAgentMessage, continuations }) => {
      const event = agent === null ? "Stop" : "SubagentStop";
      const end = { stopHookActive: continuations > 0, lastAssistantMessage: lastAgentMessage };
      const verdict = await run(turn, { event, ...end, ...of(turn) });
      if (verdict.stop || verdict.block === null) return { goOn: null };
      if (continuations < MAX_CONTINUATIONS) return { goOn: verdict.block };
      const message = `A ${event} hook has kept the turn going ${MAX_CONTINUATIONS} times; it ends now, although the hook wants more: ${verdict.block}`;
      thread.emit({ type: "warning", message });
      return { goOn: null };
    },
    interrupted: (turn) => {
      if (agent === null) observe(dispatcher, thread, { event: "Interrupt", ...of(turn) });
    },
    compacting: async (turn, trigger) => await run(turn, { event: "PreCompact", trigger, ...of(turn) }),
    compacted: async (turn, trigger) => {
      const verdict = await run(turn, { event: "PostCompact", trigger, ...of(turn) });
      const started = agent === null ? await run(turn, { event: "SessionStart", source: "compact" }) : null;
      const stopped = [verdict, started].find((one) => one?.stop);
      return { block: stopped?.block ?? null, contexts: started?.contexts ?? [] };
    },
  };
}
