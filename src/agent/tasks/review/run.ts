import type { AsyncQueue } from "#lib/async-queue.ts";
import type { Event } from "#protocol/events.ts";
import type { Op } from "#protocol/ops.ts";
import { type ReviewOutput, type ReviewTarget, reviewHint } from "#protocol/review.ts";
import type { ThreadState } from "../../thread-state.ts";
import type { TurnEnd } from "../../turn/run-turn.ts";
import type { Turn } from "../../turn/turn-deps.ts";

/** The thread that does the reviewing, with its own rollout and instructions. */
export interface ReviewChild {
  submit(op: Op): void;
  events: AsyncQueue<Event>;
  /** What to ask about the target. */
  promptFor(target: ReviewTarget): Promise<string>;
}

/** Events of the reviewing thread that the user sees as their own. */
const FORWARDED: ReadonlySet<Event["type"]> = new Set([
  "reasoning",
  "reasoning_delta",
  "reasoning_raw_delta",
  "command_started",
  "command_output",
  "command_finished",
  "plan_updated",
  "stream_error",
  "hook_started",
  "hook_blocked",
  "warning",
] satisfies Event["type"][]);

/**
 * Lets a sub-conversation review the target and reports its result. Its last answer is parsed as the
 * review JSON; text that is none is passed on as it is.
 */
export async function reviewTask(
  state: ThreadState,
  turn: Turn,
  target: ReviewTarget,
  startReview: () => ReviewChild,
): Promise<TurnEnd> {
  const child = startReview();
  const prompt = await child.promptFor(target);
  const hint = reviewHint(target);
  state.recordEvent({ type: "entered_review_mode", target, user_facing_hint: hint });
  state.emit({ type: "entered_review", target, hint });
  const abort = () => child.submit({ type: "interrupt" });
  turn.signal.addEventListener("abort", abort, { once: true });
  child.submit({ type: "user_turn", input: [{ type: "text", text: prompt }] });
  try {
    const ended = await followReview(child, state);
    // Whoever stopped it (a person who was asked, a hook) means the turn.
    if (ended.type === "aborted") {
      turn.interrupt();
      throw turn.signal.reason;
    }
    turn.signal.throwIfAborted();
    return await finishReview(state, ended);
  } finally {
    turn.signal.removeEventListener("abort", abort);
    child.submit({ type: "shutdown" });
  }
}

type ReviewEnd = Reviewed | { type: "aborted" };
type Reviewed = { type: "answered"; text: string | null } | { type: "failed"; message: string };

async function followReview(child: ReviewChild, state: ThreadState): Promise<ReviewEnd> {
  for await (const event of child.events) {
    if (FORWARDED.has(event.type)) state.emit(event);
    else if (event.type === "turn_completed") return { type: "answered", text: event.lastAgentMessage };
    else if (event.type === "turn_failed") return { type: "failed", message: event.message };
    else if (event.type === "turn_aborted") return { type: "aborted" };
  }
  return { type: "failed", message: "the review ended without an answer" };
}

async function finishReview(state: ThreadState, ended: Reviewed): Promise<TurnEnd> {
  if (ended.type === "failed") {
    exitReview(state, null, null);
    return { type: "failed", message: ended.message };
  }
  const { parseReview } = await import("./parse.ts");
  const { renderReview } = await import("./render.ts");
  const output = ended.text === null ? null : parseReview(ended.text);
  const text = output === null ? ended.text : renderReview(output);
  exitReview(state, output ?? unstructured(ended.text), text);
  return { type: "completed", lastAgentMessage: text };
}

function exitReview(state: ThreadState, output: ReviewOutput | null, text: string | null): void {
  state.recordEvent({ type: "exited_review_mode", review_output: output });
  state.emit({ type: "exited_review", output, text });
  if (text === null) return;
  state.recordItems([{ type: "message", role: "assistant", content: [{ type: "output_text", text }] }]);
  state.emit({ type: "agent_message", itemId: "", text });
}

/** An answer that is not the JSON asked for is kept as the explanation. */
function unstructured(text: string | null): ReviewOutput | null {
  if (text === null) return null;
  return { findings: [], overall_correctness: "", overall_explanation: text, overall_confidence_score: 0 };
}
