import { assertNever } from "#lib/errors.ts";
import { isObject } from "#lib/jsonl.ts";
import { printable } from "#lib/printable.ts";
import { shellJoin } from "#lib/shell-join.ts";
import type { ApprovalDecision, ApprovalRequest, ElicitationAnswer, ElicitationRequest } from "#protocol/approvals.ts";
import { commandPurposes } from "#runtime/parsed-command.ts";
import { changesByPath, type EventMsg } from "./event-msg.ts";
import type { ClientAnswer } from "./peer.ts";

/** Which call and which session a question belongs to. */
export interface QuestionIds {
  threadId: string;
  /** Id of the tools/call, as text. */
  callId: string;
  turnId: string;
}

/** The message that goes before the question itself; there is none for calls of MCP tools. */
export function approvalMsg(request: ApprovalRequest, turnId: string): EventMsg[] {
  switch (request.type) {
    case "command":
      return [
        {
          type: "exec_approval_request",
          call_id: request.callId,
          turn_id: turnId,
          command: request.command,
          cwd: request.cwd,
          ...(request.stated === undefined ? {} : { reason: request.stated }),
          ...(request.proposedRule === null ? {} : { proposed_execpolicy_amendment: request.proposedRule }),
          parsed_cmd: commandPurposes(request.command),
        },
      ];
    case "patch":
      return [
        {
          type: "apply_patch_approval_request",
          call_id: request.callId,
          turn_id: turnId,
          changes: changesByPath(request.changes),
          ...(request.stated === undefined ? {} : { reason: request.stated }),
        },
      ];
    case "mcp_tool":
      return [];
    default:
      return assertNever(request);
  }
}

/** Approvals are yes or no: there is no form to fill in. */
const NO_FORM = { type: "object", properties: {} };

/** The parameters of the `elicitation/create` that asks for an approval. */
export function approvalParams(
  request: ApprovalRequest,
  { threadId, callId, turnId }: QuestionIds,
): Record<string, unknown> {
  const ids = { codex_mcp_tool_call_id: callId, codex_event_id: turnId, codex_call_id: request.callId };
  const head = { message: approvalMessage(request), requestedSchema: NO_FORM, threadId };
  switch (request.type) {
    case "command":
      return {
        ...head,
        codex_elicitation: "exec-approval",
        ...ids,
        codex_command: request.command,
        codex_cwd: request.cwd,
        codex_parsed_cmd: commandPurposes(request.command),
      };
    case "patch":
      return {
        ...head,
        codex_elicitation: "patch-approval",
        ...ids,
        ...(request.stated === undefined ? {} : { codex_reason: request.stated }),
        codex_changes: changesByPath(request.changes),
      };
    case "mcp_tool":
      return {
        ...head,
        codex_elicitation: "mcp-tool-approval",
        ...ids,
        ...(request.reason === null ? {} : { codex_reason: request.reason }),
        codex_server: request.server,
        codex_tool: request.tool,
        codex_arguments: request.arguments,
      };
    default:
      return assertNever(request);
  }
}

/**
 * Most clients show nothing but this text: who lets something out of the sandbox must know, and read why. Commands and
 * reasons are the model's words, so nothing in them may move a cursor or begin a line of its own.
 */
function approvalMessage(request: ApprovalRequest): string {
  const asked = oneLine(question(request));
  if (request.type === "mcp_tool" || !request.escalated) return asked;
  const what = request.type === "command" ? "run" : "be written";
  const why = request.reason === null ? "" : ` Reason: ${oneLine(request.reason)}`;
  return `${asked}\nIt would ${what} without the sandbox.${why}`;
}

function oneLine(text: string): string {
  return printable(text).replaceAll("\n", "\u2424").replaceAll("\t", " ");
}

function question(request: ApprovalRequest): string {
  switch (request.type) {
    case "command":
      return `Allow Codex to run \`${shellJoin(request.command)}\` in \`${request.cwd}\`?`;
    case "patch":
      return "Allow Codex to apply proposed code changes?";
    case "mcp_tool":
      return `Allow Codex to call the tool \`${request.tool}\` of the MCP server \`${request.server}\`?`;
    default:
      return assertNever(request);
  }
}

/**
 * What the client's answer means: Codex CLI's own form (`{"decision": …}`, also inside `content`), or the standard one
 * (`{"action": …}`), in which only "accept" is a yes. Anything else, errors included, is a no.
 */
export function approvalDecision(answer: ClientAnswer): ApprovalDecision {
  if (answer.type !== "result" || !isObject(answer.result)) return { type: "denied" };
  const { decision, action, content } = answer.result;
  if (action === "decline" || action === "cancel") return { type: "denied" };
  const own = decision ?? (isObject(content) && action === "accept" ? content.decision : undefined);
  if (own !== undefined) return reviewDecision(own);
  return { type: action === "accept" ? "approved" : "denied" };
}

function reviewDecision(decision: unknown): ApprovalDecision {
  if (decision === "approved" || decision === "approved_for_session" || decision === "abort") return { type: decision };
  if (!isObject(decision) || !isObject(decision.approved_execpolicy_amendment)) return { type: "denied" };
  const prefix = decision.approved_execpolicy_amendment.proposed_execpolicy_amendment;
  return isWordList(prefix) ? { type: "approved_with_rule", prefix } : { type: "denied" };
}

function isWordList(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((word) => typeof word === "string");
}

/** The parameters of an `elicitation/create` that passes on the question of a session's own MCP server. */
export function passedOnParams(request: ElicitationRequest, ids: QuestionIds, questionId: string) {
  const { mode, server, message } = request;
  const asked =
    mode.type === "form"
      ? { requestedSchema: mode.requestedSchema }
      : { mode: "url", url: mode.url, elicitationId: questionId };
  const origin = { codex_elicitation: "mcp-server", codex_mcp_tool_call_id: ids.callId, codex_server: server };
  return { message, ...asked, threadId: ids.threadId, ...origin };
}

/** The client's answer to a passed on question; what is no proper answer declines. */
export function passedOnAnswer(answer: ClientAnswer): ElicitationAnswer {
  if (answer.type !== "result" || !isObject(answer.result)) return { action: "decline", content: null };
  const { action, content } = answer.result;
  if (action === "cancel") return { action, content: null };
  if (action !== "accept") return { action: "decline", content: null };
  return { action, content: isObject(content) ? content : null };
}

/** Whether a client with these capabilities can be asked a question of this kind. */
export function canPassOn(capabilities: unknown, { mode }: ElicitationRequest): boolean {
  const elicitation = isObject(capabilities) ? capabilities.elicitation : undefined;
  if (!isObject(elicitation)) return false;
  // Before there were two kinds, an empty object meant forms.
  return mode.type === "form" ? "form" in elicitation || !("url" in elicitation) : "url" in elicitation;
}
