import { assertNever } from "#lib/errors.ts";
import type { TokenUsage } from "#protocol/usage.ts";
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

/** A thread that works for the session's own. */
export interface AgentFacts {
  id: string;
  type: string;
  model: string;
  transcriptPath: string | null;
}

/** What an event of a turn is about: `agent` is the sub-agent it happens in, or null. */
export interface TurnFacts {
  turnId: string;
  agent: AgentFacts | null;
}

/** The part of a hook's input that is about its event; the keys of the released CLI. */
export type EventFacts =
  | { event: "SessionStart"; source: "startup" | "resume" | "compact" }
  | ({ event: "UserPromptSubmit"; prompt: string } & TurnFacts)
  | ({ event: "PreModelRequest" } & TurnFacts)
  | ({ event: "PostModelRequest" } & ModelRequestEnd & TurnFacts)
  | ({ event: "PreToolUse" } & ToolFacts & TurnFacts)
  | ({ event: "PermissionRequest" } & ToolFacts & TurnFacts)
  | ({ event: "PostToolUse"; toolResponse: unknown } & ToolFacts & TurnFacts)
  | ({ event: "PreCompact" | "PostCompact"; trigger: "manual" | "auto" } & TurnFacts)
  | ({ event: "SubagentStart" } & TurnFacts)
  | ({ event: "SubagentStop" | "Stop"; stopHookActive: boolean; lastAssistantMessage: string | null } & TurnFacts)
  | ({ event: "Interrupt" } & TurnFacts)
  | { event: "SessionEnd"; reason: "other" };

/** How a request to the model ended. */
export interface ModelRequestEnd {
  status: "completed" | "failed" | "cancelled";
  error: string | null;
  usage: TokenUsage | null;
}

/** A tool call as hooks see it. */
export interface ToolFacts {
  toolName: string;
  toolInput: unknown;
  toolUseId: string;
}

/** The JSON a hook reads from its standard input. */
export function hookInput(session: SessionFacts, facts: EventFacts): Record<string, unknown> {
  const agent = "agent" in facts ? facts.agent : null;
  return {
    session_id: session.sessionId,
    ...("turnId" in facts ? { turn_id: facts.turnId } : {}),
    ...(agent === null ? {} : { agent_id: agent.id, agent_type: agent.type }),
    transcript_path: session.transcriptPath,
    cwd: session.cwd,
    hook_event_name: facts.event,
    ...(facts.event === "SessionEnd" ? {} : { model: agent?.model ?? session.model }),
    ...(WITHOUT_PERMISSION_MODE.has(facts.event) ? {} : { permission_mode: session.permissionMode }),
    ...ownKeys(facts),
  };
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
    case "SubagentStart":
    case "SubagentStop":
      return facts.agent?.type ?? null;
    case "SessionEnd":
      return facts.reason;
    default:
      return null;
  }
}

const WITHOUT_PERMISSION_MODE: ReadonlySet<HookEvent> = new Set([
  "PreModelRequest",
  "PostModelRequest",
  "PreCompact",
  "PostCompact",
  "SessionEnd",
]);

function ownKeys(facts: EventFacts): Record<string, unknown> {
  switch (facts.event) {
    case "SessionStart":
      return { source: facts.source };
    case "UserPromptSubmit":
      return { prompt: facts.prompt };
    case "PostModelRequest":
      return { status: facts.status, error: facts.error, token_usage: facts.usage };
    case "PreToolUse":
      return { ...toolKeys(facts), tool_use_id: facts.toolUseId };
    case "PermissionRequest":
      return toolKeys(facts);
    case "PostToolUse":
      return { ...toolKeys(facts), tool_response: facts.toolResponse, tool_use_id: facts.toolUseId };
    case "PreCompact":
    case "PostCompact":
      return { trigger: facts.trigger };
    case "SubagentStop":
      return { agent_transcript_path: facts.agent?.transcriptPath ?? null, ...stopKeys(facts) };
    case "Stop":
      return stopKeys(facts);
    case "SessionEnd":
      return { reason: facts.reason };
    case "PreModelRequest":
    case "SubagentStart":
    case "Interrupt":
      return {};
    default:
      return assertNever(facts);
  }
}

function toolKeys({ toolName, toolInput }: ToolFacts): Record<string, unknown> {
  return { tool_name: toolName, tool_input: toolInput };
}

function stopKeys(facts: { stopHookActive: boolean; lastAssistantMessage: string | null }): Record<string, unknown> {
  return { stop_hook_active: facts.stopHookActive, last_assistant_message: facts.lastAssistantMessage };
}
