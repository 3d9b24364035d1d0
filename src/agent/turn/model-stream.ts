import type { ModelEvent, ModelRequest } from "#providers/model-client.ts";
import type { Turn, TurnDeps } from "./turn-deps.ts";
import type { ModelRequestEnd, TurnHooks } from "./turn-hooks.ts";

/** One request to the model, with the user's hooks told of its begin and its end. */
export function modelStream(deps: TurnDeps, turn: Turn, request: ModelRequest): AsyncIterable<readonly ModelEvent[]> {
  const stream = deps.client.stream(request, { signal: turn.signal });
  return deps.hooks === undefined ? stream : hookedStream(stream, turn, deps.hooks);
}

async function* hookedStream(
  stream: AsyncIterable<readonly ModelEvent[]>,
  turn: Turn,
  hooks: TurnHooks,
): AsyncIterable<readonly ModelEvent[]> {
  hooks.requesting(turn);
  let last: ModelEvent | undefined;
  try {
    for await (const batch of stream) {
      last = batch.at(-1) ?? last;
      yield batch;
    }
  } finally {
    hooks.responded(turn, requestEnd(last, turn.signal));
  }
}

function requestEnd(last: ModelEvent | undefined, signal: AbortSignal): ModelRequestEnd {
  if (last?.type === "completed") return { status: "completed", error: null, usage: last.usage };
  if (signal.aborted) return { status: "cancelled", error: null, usage: null };
  const error = last?.type === "failed" ? last.failure.message : "the stream ended without an answer";
  return { status: "failed", error, usage: null };
}
