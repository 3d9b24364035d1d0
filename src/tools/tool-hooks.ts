import type { ApprovalRequest } from "#protocol/approvals.ts";
import { textMessage } from "#protocol/items.ts";
import type { Tool, ToolCall, ToolContext, ToolResult } from "./tool.ts";

/** The user's hooks around tool calls. `block` is for the model to read, `contexts` too. */
export interface ToolHooks {
  /** Before a call: `block` says why it must not run. */
  before(call: ToolCall, context: ToolContext): Promise<ToolHookVerdict>;
  /** After a call that ran: `block` takes the place of its output. */
  after(call: ToolCall, result: ToolResult, context: ToolContext): Promise<ToolHookVerdict>;
  /**
   * Before a person is asked whether a call may go on, and where nobody can be asked: what the hooks say instead, or
   * null when they leave it open.
   */
  permission?(request: ApprovalRequest, context: ToolContext): Promise<PermissionAnswer | null>;
}

/** What hooks say to a request for permission. `interrupt` ends the turn. `message` is for the model to read. */
export type PermissionAnswer = { behavior: "allow" } | { behavior: "deny"; message: string; interrupt: boolean };

export interface ToolHookVerdict {
  block: string | null;
  contexts: readonly string[];
}

/** Runs a tool between its hooks. */
export async function runWithHooks(
  tool: Tool,
  call: ToolCall,
  context: ToolContext,
  hooks: ToolHooks,
): Promise<ToolResult> {
  const before = await hooks.before(call, context);
  if (before.block !== null) {
    const refused = `The call was not run: a hook blocked it: ${before.block}`;
    return withContexts({ output: refused, success: false }, before.contexts);
  }
  const result = await tool.run(call, context);
  const after = await hooks.after(call, result, context);
  const contexts = [...before.contexts, ...after.contexts];
  if (after.block === null) return withContexts(result, contexts);
  const feedback = `The call was run, and a hook answers for it: ${after.block}`;
  return withContexts({ ...result, output: feedback, success: false }, contexts);
}

function withContexts(result: ToolResult, contexts: readonly string[]): ToolResult {
  if (contexts.length === 0) return result;
  const items = contexts.map((text) => textMessage("developer", text));
  return { ...result, followUp: [...(result.followUp ?? []), ...items] };
}
