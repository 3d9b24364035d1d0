import type {
  ApprovalDecision,
  ApprovalRequest,
  ElicitationAnswer,
  ElicitationRequest,
  PermissionAnswer,
} from "#protocol/approvals.ts";
import type { Event } from "#protocol/events.ts";
import type { ResponseItem, ToolOutputPayload } from "#protocol/items.ts";
import type { ApprovalPolicy } from "#protocol/policies.ts";
import type { ModelInfo } from "#providers/model-catalog.ts";
import type { ToolSpec } from "#providers/tool-list.ts";
import type { SandboxContext } from "#sandbox/sandbox.ts";

/** How the model called: which wire item the answer must be. */
export type ToolPayload =
  | { kind: "function"; argumentsJson: string }
  | { kind: "custom"; input: string }
  | {
      kind: "local_shell";
      command: string[];
      workdir: string | null;
      timeoutMs: number | null;
    };

export interface ToolCall {
  name: string;
  callId: string;
  payload: ToolPayload;
}

/** What a tool may see and use during one call. Frozen for the turn, except `emit` and `signal`. */
export interface ToolContext {
  threadId: string;
  turnId: string;
  /** The session's cwd, absolute. */
  cwd: string;
  model: ModelInfo;
  approvalPolicy: ApprovalPolicy;
  sandbox: SandboxContext;
  /** Aborted when the turn is interrupted. */
  signal: AbortSignal;
  emit(event: Event): void;
  /** The person in front of the program; undefined where nobody can be asked. */
  person: Person | undefined;
  /** The user's hooks, heard before the person; null when they leave the question open. */
  permissionHook?: (request: ApprovalRequest) => Promise<PermissionAnswer | null>;
  /** Ends the turn as the user's own interruption does. */
  interrupt(): void;
  /** Why a hook wants a person to be asked before this call, even where policy and rules would let it run. */
  forceAsk?: string;
}

/** Who answers questions. Both reject with the signal's reason when the turn ends first. */
export interface Person {
  approve(request: ApprovalRequest): Promise<ApprovalDecision>;
  /** `withdrawn` is aborted when the question is no longer put. */
  elicit(request: ElicitationRequest, withdrawn: AbortSignal): Promise<ElicitationAnswer>;
}

export interface ToolResult {
  output: ToolOutputPayload;
  /** For logs and hooks; the model only sees `output`. */
  success: boolean;
  /** Items that follow the output in history (the image of `view_image`). */
  followUp?: ResponseItem[];
}

/**
 * One thing the model can call. `spec` is what the request lists, or null for a tool that is accepted
 * but not offered. Tools answer every failure the model can cause as a result; they throw only for bugs
 * and when the signal is aborted.
 */
export interface Tool {
  name: string;
  spec(context: { model: ModelInfo }): ToolSpec | null;
  /** Whether calls may overlap other parallel calls of the same response. */
  parallel: boolean;
  run(call: ToolCall, context: ToolContext): Promise<ToolResult>;
}
