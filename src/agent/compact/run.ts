import { itemToWire, type ResponseItem, textMessage } from "#protocol/items.ts";
import type { ModelEvent, ModelFailure, ModelRequest } from "#providers/model-client.ts";
import { NO_TOOLS } from "#providers/tool-list.ts";
import { compactedHistory } from "#rollout/compacted-history.ts";
import { assistantText } from "../context/history.ts";
import { pairCallsWithOutputs } from "../context/normalize.ts";
import summaryPrefix from "../prompts/summary-prefix.md" with { type: "text" };
import type { ThreadState } from "../thread-state.ts";
import { modelStream } from "../turn/model-stream.ts";
import { turnRequest } from "../turn/request.ts";
import { type FinalFailure, retryStreams } from "../turn/stream-retries.ts";
import type { Turn, TurnDeps } from "../turn/turn-deps.ts";
import type { CompactTrigger } from "../turn/turn-hooks.ts";

/**
 * Replaces the history by fresh context, the user's recent words and a summary the model writes. When the
 * conversation does not even fit for being summarised, its oldest items are left out one by one. Returns
 * null when done, or why not (history is then unchanged). Rejects with the signal's reason when aborted.
 */
export async function compactHistory(
  deps: TurnDeps,
  state: ThreadState,
  turn: Turn,
  trigger: CompactTrigger,
): Promise<FinalFailure | null> {
  const before = await deps.hooks?.compacting(turn, trigger);
  if (before !== undefined && before.block !== null) return hookFailure(before.block);
  state.emit({ type: "context_compaction_started" });
  let input = [...state.history.forPrompt(), textMessage("user", state.settings.compactPrompt)];
  const collected: { summary: string } = { summary: "" };
  while (true) {
    const failure = await retryStreams(state, turn.signal, () =>
      summarise(state, modelStream(deps, turn, compactRequest(state, turn, input)), collected),
    );
    if (failure === null) break;
    if (failure.kind !== "context_window" || input.length <= 2) return failure;
    input = pairCallsWithOutputs(input.slice(1));
  }
  adopt(deps.initialContext(), state, collected.summary);
  for (const record of deps.contextRestored()) state.recordEvent(record);
  const after = await deps.hooks?.compacted(turn, trigger);
  state.recordItems((after?.contexts ?? []).map((text) => textMessage("developer", text)));
  return after === undefined || after.block === null ? null : hookFailure(after.block);
}

function hookFailure(reason: string): FinalFailure {
  return { retry: false, kind: "other", message: `A hook ended the turn at its compaction: ${reason}` };
}

function compactRequest(state: ThreadState, turn: Turn, input: readonly ResponseItem[]): ModelRequest {
  const request = turnRequest(state, turn, NO_TOOLS, undefined);
  return { ...request, input, parallelToolCalls: false, outputSchema: undefined };
}

/** One stream of the summarising request. Its items are not part of the conversation. */
async function summarise(
  state: ThreadState,
  stream: AsyncIterable<readonly ModelEvent[]>,
  collected: { summary: string },
): Promise<ModelFailure | null> {
  let failure: ModelFailure | null = null;
  for await (const batch of stream) {
    for (const event of batch) {
      if (event.type === "item_done" && event.item.type === "message") collected.summary = assistantText(event.item);
      else if (event.type === "rate_limits") state.setRateLimits(event.rateLimits);
      else if (event.type === "completed") state.addUsage(event.usage);
      else if (event.type === "failed") failure = event.failure;
    }
  }
  return failure;
}

function adopt(context: readonly ResponseItem[], state: ThreadState, answer: string): void {
  const summary = `${summaryPrefix.trim()}\n${answer}`;
  const history = compactedHistory({
    context,
    history: state.history.items,
    summary,
    earlierSummaries: state.summaries,
  });
  state.summaries.add(summary);
  state.history.replace(history);
  state.record({ type: "compacted", payload: { message: summary, replacement_history: history } });
  state.resetContextTokens(estimateTokens(history));
  state.recordEvent({ type: "context_compacted" });
  state.emit({ type: "context_compacted" });
}

/** Bytes of the wire form / 4, the same rough count the tool-output budgets use. */
function estimateTokens(items: readonly ResponseItem[]): number {
  return Math.ceil(Buffer.byteLength(JSON.stringify(items.map(itemToWire)), "utf8") / 4);
}
