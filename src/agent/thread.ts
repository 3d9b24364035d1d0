import { AsyncQueue } from "#lib/async-queue.ts";
import { assertNever, CodexError, messageOf } from "#lib/errors.ts";
import { uuidv7 } from "#lib/ids.ts";
import { type ResponseItem, textMessage } from "#protocol/items.ts";
import type { Op } from "#protocol/ops.ts";
import type { EventRecord } from "#protocol/rollout-item.ts";
import { userInputTexts } from "#rollout/context-messages.ts";
import turnAborted from "./prompts/turn-aborted.md" with { type: "text" };
import { usableWindow } from "./settings.ts";
import { compactTask } from "./tasks/compact.ts";
import { regularTask } from "./tasks/regular.ts";
import { type ReviewChild, reviewTask } from "./tasks/review/run.ts";
import type { ThreadState } from "./thread-state.ts";
import type { TurnEnd } from "./turn/run-turn.ts";
import type { Turn, TurnDeps } from "./turn/turn-deps.ts";

/** An op that occupies the thread until its turn has ended. */
type TurnOp = Extract<Op, { type: "user_turn" | "review" | "compact" }>;
type Ended = TurnEnd | { type: "aborted" };

/**
 * One conversation: takes ops in order, runs one turn at a time, and is the only thing that changes the
 * thread's state. `interrupt` ends the turn in progress; `shutdown` does too and then closes the thread.
 */
export class Thread {
  readonly #state: ThreadState;
  readonly #deps: TurnDeps;
  readonly #startReview: () => ReviewChild;
  readonly #turns = new AsyncQueue<TurnOp>();
  #active: AbortController | undefined;
  #closing = false;
  /** Settles after `shutdown_complete`. */
  readonly closed: Promise<void>;

  constructor(options: { state: ThreadState; deps: TurnDeps; startReview: () => ReviewChild }) {
    this.#state = options.state;
    this.#deps = options.deps;
    this.#startReview = options.startReview;
    this.closed = this.#run();
  }

  get id(): string {
    return this.#state.settings.threadId;
  }

  submit(op: Op): void {
    switch (op.type) {
      case "user_turn":
      case "review":
      case "compact":
        this.#turns.push(op);
        break;
      case "approval_answer":
        this.#deps.questions?.answerApproval(op.requestId, op.decision);
        break;
      case "elicitation_answer":
        this.#deps.questions?.answerElicitation(op.requestId, op.answer);
        break;
      case "interrupt":
        this.#active?.abort(new Interrupted());
        break;
      case "shutdown":
        this.#closing = true;
        this.#turns.close();
        this.#active?.abort(new Interrupted());
        break;
      default:
        assertNever(op);
    }
  }

  async #run(): Promise<void> {
    for await (const op of this.#turns) {
      if (this.#closing) break;
      await this.#runTurn(op);
    }
    this.#state.emit({ type: "shutdown_complete" });
  }

  async #runTurn(op: TurnOp): Promise<void> {
    const controller = new AbortController();
    this.#active = controller;
    const turn: Turn = {
      id: (op.type === "user_turn" ? op.turnId : undefined) ?? uuidv7(),
      outputSchema: op.type === "user_turn" ? op.outputSchema : undefined,
      wire: { turnState: undefined },
      diff: this.#deps.turnDiff?.(),
      signal: controller.signal,
      interrupt: () => controller.abort(new Interrupted()),
    };
    const ended = await this.#perform(op, turn);
    this.#active = undefined;
    await this.#deps.turnEnded({ interrupted: ended.type === "aborted" });
    this.#report(op, turn, ended);
  }

  async #perform(op: TurnOp, turn: Turn): Promise<Ended> {
    const window = usableWindow(this.#state.settings.model);
    try {
      this.#state.recordEvent({
        type: "task_started",
        turn_id: turn.id,
        model_context_window: window,
        collaboration_mode_kind: "default",
      });
      this.#state.emit({ type: "turn_started", turnId: turn.id, modelContextWindow: window });
      return await this.#task(op, turn);
    } catch (error) {
      if (turn.signal.aborted) return { type: "aborted" };
      if (error instanceof CodexError) return { type: "failed", message: error.message };
      return { type: "failed", message: `internal error: ${messageOf(error)}` };
    }
  }

  #task(op: TurnOp, turn: Turn): Promise<TurnEnd> {
    switch (op.type) {
      case "user_turn":
        return regularTask(this.#deps, this.#state, turn, op.input);
      case "review":
        return reviewTask(this.#state, turn, op.target, this.#startReview);
      case "compact":
        return compactTask(this.#deps, this.#state, turn);
      default:
        return assertNever(op);
    }
  }

  #report(op: TurnOp, turn: Turn, ended: Ended): void {
    switch (ended.type) {
      case "completed":
        this.#recordEnd({
          type: "task_complete",
          turn_id: turn.id,
          // A review's text is its own record (`exited_review_mode`).
          last_agent_message: op.type === "review" ? null : ended.lastAgentMessage,
        });
        this.#state.emit({ type: "turn_completed", turnId: turn.id, lastAgentMessage: ended.lastAgentMessage });
        this.#deps.turnCompleted({
          turnId: turn.id,
          inputMessages: inputTexts(op, this.#state.history.items),
          lastAgentMessage: ended.lastAgentMessage,
        });
        break;
      case "failed":
        this.#recordEnd({ type: "task_complete", turn_id: turn.id, last_agent_message: null });
        this.#state.emit({
          type: "error",
          message: ended.message,
          ...(ended.kind === undefined ? {} : { kind: ended.kind }),
        });
        this.#state.emit({ type: "turn_failed", turnId: turn.id, message: ended.message });
        break;
      case "aborted":
        this.#deps.hooks?.interrupted(turn);
        this.#recordAbort(turn);
        this.#state.emit({ type: "turn_aborted", turnId: turn.id, reason: "interrupted" });
        break;
      default:
        assertNever(ended);
    }
  }

  #recordAbort(turn: Turn): void {
    try {
      this.#state.recordItems([textMessage("user", turnAborted.trim())]);
    } catch (error) {
      this.#state.emit({ type: "warning", message: messageOf(error) });
      return;
    }
    this.#recordEnd({ type: "turn_aborted", turn_id: turn.id, reason: "interrupted" });
  }

  /** A rollout that can no longer be written must not hide how the turn ended. */
  #recordEnd(record: EventRecord): void {
    try {
      this.#state.recordEvent(record);
    } catch (error) {
      this.#state.emit({ type: "warning", message: messageOf(error) });
    }
  }
}

/** All that was said so far, as the released CLI tells it: the last text started the turn. */
function inputTexts(op: TurnOp, history: readonly ResponseItem[]): string[] {
  switch (op.type) {
    case "user_turn":
      return userInputTexts(history);
    case "review":
      return op.target.type === "custom" ? [op.target.instructions] : [];
    case "compact":
      return [];
  }
}

/** The reason of a turn's signal when the user interrupted it. */
class Interrupted extends Error {
  constructor() {
    super("interrupted");
    this.name = "Interrupted";
  }
}
