import type { SessionApprovals } from "#approvals/session-cache.ts";
import { isObject } from "#lib/jsonl.ts";
import { McpRequestError } from "#mcp/connection.ts";
import { type OfferedTool, toolSpec } from "#mcp/offer.ts";
import { jsonFault } from "../argument-errors.ts";
import { rustDebug } from "../rust-debug.ts";
import { failure, wrongPayload } from "../text-result.ts";
import type { Tool, ToolCall, ToolContext, ToolResult } from "../tool.ts";
import { announcedCall, callerOf, parseCallResult, withCauses } from "./call-server.ts";
import { consentToTool } from "./consent.ts";
import { mcpOutput } from "./output.ts";

/** One tool of an MCP server. A server that is not running yet is started by the call. */
export function createMcpTool(offered: OfferedTool, approvals: SessionApprovals): Tool {
  return {
    name: offered.qualifiedName,
    spec: () => toolSpec(offered),
    parallel: offered.server.settings.supportsParallelToolCalls,
    run: (call, context) => runCall(offered, call, context, approvals),
  };
}

async function runCall(
  offered: OfferedTool,
  call: ToolCall,
  context: ToolContext,
  approvals: SessionApprovals,
): Promise<ToolResult> {
  const { server, info } = offered;
  if (call.payload.kind !== "function") return wrongPayload(call.name);
  const json = call.payload.argumentsJson;
  const fault = json.trim() === "" ? undefined : jsonFault(json);
  if (fault !== undefined) return failure(`err: ${fault}`);
  const args: unknown = json.trim() === "" ? null : JSON.parse(json);
  const invocation = { callId: call.callId, server: server.name, tool: info.name, arguments: args };
  return announcedCall(invocation, context, {
    run: async () => {
      if (args !== null && !isObject(args)) {
        throw new McpRequestError([`MCP tool arguments must be a JSON object, got ${JSON.stringify(args)}`]);
      }
      await consentToTool(offered, invocation, context, approvals);
      const params = { name: info.name, ...(args === null ? {} : { arguments: args }) };
      return parseCallResult(await server.request("tools/call", params, callerOf(context, invocation)));
    },
    describe: (error) =>
      withCauses(`tool call error: tool call failed for \`${server.name}/${info.name}\``, error.causes),
    wrap: (text) => `err: ${rustDebug(text)}`,
    answer: (result) => ({
      output: mcpOutput(result, { supportsImages: context.model.supportsImages }),
      success: !result.isError,
    }),
  });
}
