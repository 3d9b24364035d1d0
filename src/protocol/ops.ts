import type { ApprovalDecision, ElicitationAnswer } from "./approvals.ts";
import type { TurnId } from "./ids.ts";
import type { ReviewTarget } from "./review.ts";

/** One piece of what a user sends. Image paths are absolute. */
export type UserInput = { type: "text"; text: string } | { type: "local_image"; path: string };

/** What front ends send into a thread; the only way to change one. */
export type Op =
  /** `turnId` is what the turn is to be known by in events, hooks, notifications and the rollout; else a new UUID. */
  | { type: "user_turn"; input: UserInput[]; outputSchema?: Record<string, unknown>; turnId?: TurnId }
  | { type: "review"; target: ReviewTarget }
  | { type: "compact" }
  /** Answers `approval_requested`; an id that is not open is ignored. */
  | { type: "approval_answer"; requestId: string; decision: ApprovalDecision }
  /** Answers `elicitation_requested`; an id that is not open is ignored. */
  | { type: "elicitation_answer"; requestId: string; answer: ElicitationAnswer }
  | { type: "interrupt" }
  | { type: "shutdown" };
