import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ApprovalDecision, ApprovalRequest } from "#protocol/approvals.ts";
import type { ApprovalPolicy } from "#protocol/policies.ts";
import { createExecCommandTool } from "#tools/exec-command/exec-command.ts";
import { stage } from "./command-stage.ts";

/** One command on a machine without bubblewrap, and what became of it. */
async function attempt(approvalPolicy: ApprovalPolicy, decision: ApprovalDecision | undefined) {
  await using at = await stage({ policy: { type: "read-only" }, approvalPolicy, bwrapPaths: ["/nonexistent/bwrap"] });
  const requests: ApprovalRequest[] = [];
  const approve = async (request: ApprovalRequest) => {
    requests.push(request);
    return decision ?? { type: "denied" };
  };
  if (decision !== undefined) Object.assign(at.context, { person: { approve } });
  const output = await at.text(createExecCommandTool(at.deps), { cmd: "touch made", login: false });
  return { requests, output, isMade: existsSync(join(at.home.cwd, "made")) };
}

test("where there is no sandbox a command runs only when a person says so", async () => {
  const asked = await attempt("on-request", { type: "approved" });
  expect(asked.isMade).toBe(true);
  expect(asked.requests).toMatchObject([
    { type: "command", escalated: true, proposedRule: null, reason: expect.stringContaining("without a sandbox") },
  ]);
  const refused = await attempt("on-request", { type: "denied" });
  expect([refused.isMade, refused.requests.length]).toEqual([false, 1]);
  expect(refused.output).toContain("rejected by user");
});

test("and not at all under never, or where nobody can be asked", async () => {
  for (const outcome of [await attempt("never", { type: "approved" }), await attempt("on-request", undefined)]) {
    expect([outcome.isMade, outcome.requests]).toEqual([false, []]);
    expect(outcome.output).toContain("bubblewrap");
  }
});
