import { uuidv7 } from "#lib/ids.ts";
import type { ApprovalDecision, ApprovalRequest, ElicitationAnswer, ElicitationRequest } from "#protocol/approvals.ts";
import type { Event } from "#protocol/events.ts";

/** The turn a question belongs to; the question ends with it. */
export interface AskingTurn {
  id: string;
  signal: AbortSignal;
}

/** Settles one open question. */
type Settle = { type: "approval"; with: (decision: ApprovalDecision) => void } | Elicited;
type Elicited = { type: "elicitation"; with: (answer: ElicitationAnswer) => void };

/**
 * The questions one session has put to its person and that are not answered yet. A question goes out as an event
 * and its answer comes back by id; every question that was told of is also told closed.
 */
export class OpenQuestions {
  readonly #emit: (event: Event) => void;
  readonly #open = new Map<string, Settle>();

  constructor(emit: (event: Event) => void) {
    this.#emit = emit;
  }

  /** Rejects with the turn's signal's reason. */
  askApproval(turn: AskingTurn, request: ApprovalRequest): Promise<ApprovalDecision> {
    return this.#ask<ApprovalDecision>(turn, (requestId, settle) => {
      this.#open.set(requestId, { type: "approval", with: settle });
      this.#emit({ type: "approval_requested", requestId, turnId: turn.id, request });
    });
  }

  /** Rejects with the signal's reason: the turn's, or that of the server withdrawing its question. */
  askElicitation(turn: AskingTurn, request: ElicitationRequest): Promise<ElicitationAnswer> {
    return this.#ask<ElicitationAnswer>(turn, (requestId, settle) => {
      this.#open.set(requestId, { type: "elicitation", with: settle });
      this.#emit({ type: "elicitation_requested", requestId, turnId: turn.id, request });
    });
  }

  /** An id that is not open is ignored: the turn may have ended while the person thought. */
  answerApproval(requestId: string, decision: ApprovalDecision): void {
    const question = this.#open.get(requestId);
    if (question?.type === "approval") question.with(decision);
  }

  /** An id that is not open is ignored. */
  answerElicitation(requestId: string, answer: ElicitationAnswer): void {
    const question = this.#open.get(requestId);
    if (question?.type === "elicitation") question.with(answer);
  }

  async #ask<Answer>(
    { signal }: AskingTurn,
    open: (requestId: string, settle: (answer: Answer) => void) => void,
  ): Promise<Answer> {
    signal.throwIfAborted();
    const requestId = uuidv7();
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      open(requestId, resolve);
      return await promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#open.delete(requestId);
      this.#emit({ type: "question_closed", requestId });
    }
  }
}
