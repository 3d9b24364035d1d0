import type { HookDispatcher } from "#hooks/dispatch.ts";
import type { HookVerdict } from "#hooks/output.ts";
import type { ToolFacts } from "#hooks/payloads.ts";
import type { ApprovalRequest } from "#protocol/approvals.ts";
import type { ToolCall } from "#tools/tool.ts";
import type { BeforeVerdict, ToolHooks } from "#tools/tool-hooks.ts";
import { callWithInput, canBeAskedAbout, hookToolFacts, hookToolResponse, isMcpTool } from "./hook-tool-facts.ts";
import { agentFacts, fire, type HookedThread } from "./hooked-thread.ts";

/** The hooks around the tool calls of one thread. */
export function hookedTools(dispatcher: HookDispatcher, thread: HookedThread): ToolHooks {
  const agent = agentFacts(thread);
  const hooks: ToolHooks = {
    before: async (call, { turnId, signal }) => {
      if (!dispatcher.has("PreToolUse")) return { block: null, ask: null, call, contexts: [] };
      const facts = { event: "PreToolUse", turnId, agent, ...hookToolFacts(call) } as const;
      return beforeVerdict(call, await fire(dispatcher, thread, facts, signal));
    },
    after: async (call, { output }, { turnId, signal }) => {
      if (!dispatcher.has("PostToolUse")) return { block: null, replacement: null, contexts: [] };
      const toolResponse = hookToolResponse(call, output);
      const facts = { event: "PostToolUse", turnId, agent, ...hookToolFacts(call), toolResponse } as const;
      const { block, contexts, replacement } = await fire(dispatcher, thread, facts, signal);
      if (replacement === null || !isMcpTool(call)) return { block, replacement: null, contexts };
      const { value } = replacement;
      return { block, replacement: typeof value === "string" ? value : JSON.stringify(value), contexts };
    },
  };
  if (!dispatcher.has("PermissionRequest")) return hooks;
  return {
    ...hooks,
    permission: async (call, request, { turnId, signal }) => {
      const tool = described(hookToolFacts(call), request);
      const verdict = await fire(dispatcher, thread, { event: "PermissionRequest", turnId, agent, ...tool }, signal);
      if (verdict.block === null) return verdict.permission;
      return { behavior: "deny", message: verdict.block, interrupt: verdict.stop };
    },
  };
}

/** What becomes of the call. What a hook asks for and cannot be done must not run as if it had not asked. */
function beforeVerdict(call: ToolCall, { block, ask, replacement, contexts }: HookVerdict): BeforeVerdict {
  const other = replacement === null ? call : callWithInput(call, replacement.value);
  if (block !== null) return { block, ask: null, call, contexts };
  if (typeof other === "string") return { block: other, ask: null, call, contexts };
  if (ask !== null && !canBeAskedAbout(call)) {
    const reason = `the hook wants a person to be asked, which "${call.name}" has no question for: ${ask}`;
    return { block: reason, ask: null, call, contexts };
  }
  return { block: null, ask, call: other, contexts };
}

/** The reason the person would be given, where hooks of the released CLI find it. */
function described(tool: ToolFacts, request: ApprovalRequest): ToolFacts {
  const { toolInput } = tool;
  const isObject = typeof toolInput === "object" && toolInput !== null;
  if (request.type !== "command" || request.reason === null || !isObject) return tool;
  return { ...tool, toolInput: { ...toolInput, description: request.reason } };
}
