import type { HookEvent } from "./config.ts";

/** What every hook of a session is told. */
export interface SessionFacts {
  sessionId: string;
  /** The session's rollout; null when none is stored. */
  transcriptPath: string | null;
  cwd: string;
  model: string;
  permissionMode: "default" | "bypassPermissions";
}

/** The part of a hook's input that is about its event; the keys of the released CLI. */
export type EventFacts =
  | { event: "SessionStart"; source: "startup" | "resume" | "compact" }
  | { event: "UserPromptSubmit"; turnId: string; prompt: string }
  | ({ event: "PreToolUse"; turnId: string } & ToolFacts)
  | ({ event: "PermissionRequest"; turnId: string } & ToolFacts)
  | ({ event: "PostToolUse"; turnId: string; toolResponse: unknown } & ToolFacts)
  | { event: "PreCompact" | "PostCompact"; turnId: string; trigger: "manual" | "auto" }
  | { event: "Stop"; turnId: string; stopHookActive: boolean; lastAssistantMessage: string | null }
  | { event: "SessionEnd"; reason: "other" };

/** A tool call as hooks see it. */
export interface ToolFacts {
  toolName: string;
  toolInput: unknown;
  toolUseId: string;
  /** The sub-agent that made the call, or null for the session's own thread. */
  agent: { id: string; type: string } | null;
}

/** The JSON a hook reads from its standard input. */
export function hookInput(session: SessionFacts, facts: EventFacts): string {
  return JSON.stringify({
    session_id: session.sessionId,
    transcript_path: session.transcriptPath,
    cwd: session.cwd,
    hook_event_name: facts.event,
    model: session.model,
    ...("turnId" in facts ? { turn_id: facts.turnId } : {}),
    ...(hasPermissionMode(facts.event) ? { permission_mode: session.permissionMode } : {}),
    ...ownKeys(facts),
  });
}

/** What a matcher is compared with, or null for events that have no such thing. */
export function matchedName(facts: EventFacts): string | null {
  switch (facts.event) {
    case "SessionStart":
      return facts.source;
    case "PreToolUse":
    case "PermissionRequest":
    case "PostToolUse":
      return facts.toolName;
    case "PreCompact":
    case "PostCompact":
      return facts.trigger;
    case "SessionEnd":
      return facts.reason;
    case "UserPromptSubmit":
    case "Stop":
      return null;
  }
}

function hasPermissionMode(event: HookEvent): boolean {
  return event !== "PreCompact" && event !== "PostCompact" && event !== "SessionEnd";
}

function ownKeys(facts: EventFacts): Record<string, unknown> {
  switch (facts.event) {
    case "SessionStart":
      return { source: facts.source };
    case "UserPromptSubmit":
      return { prompt: facts.prompt };
    case "PreToolUse":
      return { ...toolKeys(facts), tool_use_id: facts.toolUseId };
    case "PermissionRequest":
      return toolKeys(facts);
    case "PostToolUse":
      return { ...toolKeys(facts), tool_use_id: facts.toolUseId, tool_response: facts.toolResponse };
    case "PreCompact":
    case "PostCompact":
      return { trigger: facts.trigger };
    case "Stop":
      return { stop_hook_active: facts.stopHookActive, last_assistant_message: facts.lastAssistantMessage };
    case "SessionEnd":
      return { reason: facts.reason };
  }
}

function toolKeys({ toolName, toolInput, agent }: ToolFacts): Record<string, unknown> {
  return {
    ...(agent === null ? {} : { agent_id: agent.id, agent_type: agent.type }),
    tool_name: toolName,
    tool_input: toolInput,
  };
}
