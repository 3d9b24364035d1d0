import type { ApprovalRequest, PermissionAnswer } from "#protocol/approvals.ts";
import { textMessage } from "#protocol/items.ts";
import type { Tool, ToolCall, ToolContext, ToolResult } from "./tool.ts";

/** The user's hooks around tool calls. `block` is for the model to read, `contexts` too. */
export interface ToolHooks {
  /** Before a call: whether and how it runs. */
  before(call: ToolCall, context: ToolContext): Promise<BeforeVerdict>;
  /** After a call that ran: `block` or `replacement` takes the place of its output. */
  after(call: ToolCall, result: ToolResult, context: ToolContext): Promise<AfterVerdict>;
  /**
   * Before a person is asked whether a call may go on, and where nobody can be asked: what the hooks say instead, or
   * null when they leave it open. Undefined when there is no hook that could say anything.
   */
  permission?: (call: ToolCall, request: ApprovalRequest, context: ToolContext) => Promise<PermissionAnswer | null>;
}

export interface BeforeVerdict {
  /** Why the call must not run, or null. */
  block: string | null;
  /** Why a person is to be asked in any case, or null. */
  ask: string | null;
  /** What runs: the model's call, or what hooks made of it. */
  call: ToolCall;
  contexts: readonly string[];
}

export interface AfterVerdict {
  block: string | null;
  replacement: string | null;
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
  const result = await tool.run(before.call, judgedContext(before, context, hooks));
  const after = await hooks.after(before.call, result, context);
  return withContexts(answered(result, after), [...before.contexts, ...after.contexts]);
}

/** The context in which the call itself is judged: by its own hooks, whatever other call has the same id. */
function judgedContext({ call, ask }: BeforeVerdict, context: ToolContext, { permission }: ToolHooks): ToolContext {
  return {
    ...context,
    ...(ask === null ? {} : { forceAsk: ask }),
    ...(permission === undefined ? {} : { permissionHook: (request) => permission(call, request, context) }),
  };
}

function answered(result: ToolResult, { block, replacement }: AfterVerdict): ToolResult {
  if (block !== null) {
    return { ...result, output: `The call was run, and a hook answers for it: ${block}`, success: false };
  }
  return replacement === null ? result : { ...result, output: replacement };
}

function withContexts(result: ToolResult, contexts: readonly string[]): ToolResult {
  if (contexts.length === 0) return result;
  const items = contexts.map((text) => textMessage("developer", text));
  return { ...result, followUp: [...(result.followUp ?? []), ...items] };
}
