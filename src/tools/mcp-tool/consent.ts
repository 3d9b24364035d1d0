import type { SessionApprovals } from "#approvals/session-cache.ts";
import type { McpServerSettings } from "#config/mcp-servers.ts";
import { assertNever } from "#lib/errors.ts";
import type { OfferedTool } from "#mcp/offer.ts";
import type { McpToolInfo } from "#mcp/tool-info.ts";
import type { ApprovalPolicy } from "#protocol/policies.ts";
import { ask, consentOf, REJECTED } from "../consent.ts";
import type { ToolContext } from "../tool.ts";
import { McpCallRefused, type McpInvocation } from "./call-server.ts";

/** What may happen with a call before it is made. */
export type McpDecision = { type: "run" } | { type: "ask"; reason: string } | { type: "reject"; reason: string };

/** The rule for one call: the mode of the tool, or else of its server, × the policy. */
export function decideMcpCall(
  settings: Pick<McpServerSettings, "toolApprovalModes" | "defaultToolsApprovalMode">,
  info: Pick<McpToolInfo, "name" | "effect">,
  approvalPolicy: ApprovalPolicy,
): McpDecision {
  const mode = settings.toolApprovalModes.get(info.name) ?? settings.defaultToolsApprovalMode;
  switch (mode) {
    case undefined:
    case "approve":
      return { type: "run" };
    case "auto":
      if (info.effect !== "risky") return { type: "run" };
      return asked("the tool may destroy something or reach the world outside", approvalPolicy);
    case "writes":
      if (info.effect === "reads") return { type: "run" };
      return asked("the server does not say that this tool only reads", approvalPolicy);
    case "prompt":
      return asked("the configuration asks about this tool", approvalPolicy);
    default:
      return assertNever(mode);
  }
}

function asked(reason: string, policy: ApprovalPolicy): McpDecision {
  return policy === "never" ? { type: "reject", reason: NEVER_ASKS } : { type: "ask", reason };
}

/** As the released program says. */
const NEVER_ASKS = "MCP tool call requires approval, but approval policy is never";

/** Throws McpCallRefused when the call must not be made. */
export async function consentToTool(
  { server, info }: OfferedTool,
  invocation: McpInvocation,
  context: ToolContext,
  approvals: SessionApprovals,
): Promise<void> {
  const { forceAsk, approvalPolicy } = context;
  const decided = decideMcpCall(server.settings, info, approvalPolicy);
  const decision: McpDecision =
    decided.type === "run" && forceAsk !== undefined ? { type: "ask", reason: forceAsk } : decided;
  if (decision.type === "run") return;
  if (decision.type === "reject") throw new McpCallRefused(decision.reason);
  if (approvals.coversTool(server.name, info.name)) return;
  const answer = await ask({ type: "mcp_tool", ...invocation, reason: decision.reason }, context);
  if (answer.type === "approved_for_session") approvals.approveTool(server.name, info.name);
  const consent = consentOf(answer, decision.reason, context);
  if (consent.granted) return;
  const who =
    consent.reason === REJECTED ? "MCP tool call rejected by user" : `MCP tool call refused: ${consent.reason}`;
  throw new McpCallRefused(who);
}
