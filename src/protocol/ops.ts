import type { ReviewTarget } from "./review.ts";

/** One piece of what a user sends. Image paths are absolute. */
export type UserInput = { type: "text"; text: string } | { type: "local_image"; path: string };

/** What front ends send into a thread; the only way to change one. */
export type Op =
  | { type: "user_turn"; input: UserInput[]; outputSchema?: Record<string, unknown> }
  | { type: "review"; target: ReviewTarget }
  | { type: "compact" }
  | { type: "interrupt" }
  | { type: "shutdown" };
