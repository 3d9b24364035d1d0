import type { ModelRequest } from "#providers/model-client.ts";
import type { ToolList } from "#providers/tool-list.ts";
import { promptItems } from "../context/prompt-items.ts";
import type { ThreadState } from "../thread-state.ts";
import type { Turn } from "./turn-deps.ts";

/** The sampling request for the thread as it is now. */
export function turnRequest(
  state: ThreadState,
  turn: Turn,
  tools: ToolList,
  turnMetadata: string | undefined,
): ModelRequest {
  const { settings } = state;
  return {
    model: settings.model,
    instructions: settings.baseInstructions,
    input: promptItems(state.history.forPrompt(), settings.model),
    tools,
    parallelToolCalls: settings.model.parallelToolCalls,
    effort: settings.effort,
    summary: settings.summary,
    verbosity: settings.verbosity,
    outputSchema: turn.outputSchema,
    threadId: settings.threadId,
    turnMetadata,
    subagent: settings.subagent,
    turn: turn.wire,
  };
}
