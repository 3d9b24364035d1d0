import type { ApprovalRequest, ElicitationRequest } from "#protocol/approvals.ts";
import type { Op } from "#protocol/ops.ts";
import {
  approvalDecision,
  approvalParams,
  canPassOn,
  passedOnAnswer,
  passedOnParams,
  type QuestionIds,
} from "./approval-elicitation.ts";
import type { ClientAnswer, Peer } from "./peer.ts";

/** The questions of one session that wait for the client. */
export class Questions {
  readonly #peer: Peer;
  /** What the client said it can do. */
  readonly #capabilities: () => unknown;
  readonly #submit: (op: Op) => void;
  readonly #open = new Map<string, AbortController>();

  constructor(options: { peer: Peer; capabilities: () => unknown; submit: (op: Op) => void }) {
    this.#peer = options.peer;
    this.#capabilities = options.capabilities;
    this.#submit = options.submit;
  }

  /** Asks whatever the client says it can do: one that cannot answer says so, which is a no. */
  async askApproval(requestId: string, request: ApprovalRequest, ids: QuestionIds): Promise<void> {
    const answer = await this.#ask(requestId, approvalParams(request, ids));
    if (answer.type === "withdrawn") return;
    this.#submit({ type: "approval_answer", requestId, decision: approvalDecision(answer) });
  }

  /** Asks for an MCP server of the session, which gets a no at once where the client cannot be asked. */
  async passOn(requestId: string, request: ElicitationRequest, ids: QuestionIds): Promise<void> {
    const answer = canPassOn(this.#capabilities(), request)
      ? await this.#ask(requestId, passedOnParams(request, ids, requestId))
      : ({ type: "error", message: "not supported" } as const);
    if (answer.type === "withdrawn") return;
    this.#submit({ type: "elicitation_answer", requestId, answer: passedOnAnswer(answer) });
  }

  /** The question is no longer open: if the client has not answered it, it is taken back. */
  close(requestId: string): void {
    this.#open.get(requestId)?.abort();
    this.#open.delete(requestId);
  }

  #ask(requestId: string, params: Record<string, unknown>): Promise<ClientAnswer> {
    const controller = new AbortController();
    this.#open.set(requestId, controller);
    return this.#peer.request("elicitation/create", params, { signal: controller.signal });
  }
}
