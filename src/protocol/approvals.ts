import type { FileChange } from "./file-change.ts";

/** What a person is asked before it happens. Paths are absolute. */
export type ApprovalRequest =
  | {
      type: "command";
      callId: string;
      /** The command line as the model meant it. */
      command: string[];
      cwd: string;
      /** Why the question is asked, for the person; null when there is nothing to add. */
      reason: string | null;
      /** What a rule, the model or a failed run gave as the reason; absent when only the policy asks. */
      stated?: string;
      /** True when it would run without the sandbox. */
      escalated: boolean;
      /** True when it gets a terminal, into which the model may type more. */
      tty: boolean;
      /** First words an "always allow" rule could be made of, or null when none would be narrow enough. */
      proposedRule: readonly string[] | null;
    }
  | {
      type: "patch";
      callId: string;
      changes: FileChange[];
      reason: string | null;
      /** As of commands. */
      stated?: string;
      /** True when it would be written without the sandbox. */
      escalated: boolean;
      /** Where it really writes (links followed) outside the writable folders. */
      outside: readonly string[];
    }
  | {
      type: "mcp_tool";
      callId: string;
      server: string;
      /** As the server spells it. */
      tool: string;
      arguments: unknown;
      reason: string | null;
    };

/** What the person said. */
export type ApprovalDecision =
  | { type: "approved" }
  /** Also the same thing again, until the session ends. */
  | { type: "approved_for_session" }
  /** Also every command that begins with these words, from now on: a rule is written. Only for commands. */
  | { type: "approved_with_rule"; prefix: readonly string[] }
  /** The model is told and goes on. */
  | { type: "denied" }
  /** The turn ends. */
  | { type: "abort" };

/** A question of an MCP server to the person (`elicitation/create`). */
export interface ElicitationRequest {
  server: string;
  message: string;
  /** "form": `requestedSchema` is the JSON schema of the answer. "url": the person is to open `url`. */
  mode: { type: "form"; requestedSchema: Record<string, unknown> } | { type: "url"; url: string };
}

export interface ElicitationAnswer {
  action: "accept" | "decline" | "cancel";
  /** The filled form of an accepted "form" question. */
  content: Record<string, unknown> | null;
}

/** What the user's hooks say to a request in the person's place. `message` is for the model to read. */
export type PermissionAnswer =
  | { behavior: "allow" }
  /** `interrupt` ends the turn. */
  | { behavior: "deny"; message: string; interrupt: boolean };
