import { assertNever } from "#lib/errors.ts";
import type { ApprovalPolicy, SandboxPolicy } from "#protocol/policies.ts";
import { isWritablePath } from "#sandbox/roots.ts";
import type { WritableRoot } from "#sandbox/sandbox.ts";

/** What may happen with a patch before it is written. */
export type PatchDecision =
  | { type: "write"; confined: boolean }
  /** The user is to be asked; `reason` says why. Approved, it is written inside the sandbox (`confined`) or not. */
  | { type: "ask"; reason: string; confined: boolean }
  /** `reason` goes to the model as it is. */
  | { type: "reject"; reason: string };

export interface PatchDecisionInput {
  approvalPolicy: ApprovalPolicy;
  policy: SandboxPolicy;
  /** Absolute, links followed. */
  realPaths: readonly string[];
  /** Those of the policy, with the folders below them that stay read-only. */
  roots: readonly WritableRoot[];
}

/** The released program's wording, whatever the reason for the refusal. */
const OUTSIDE = "writing outside of the project; rejected by user approval settings";

/** The rule for one patch: policy × where it writes. */
export function decidePatch({ approvalPolicy, policy, realPaths, roots }: PatchDecisionInput): PatchDecision {
  const outside = outsidePath(policy, realPaths, roots);
  const confined = policy.type !== "danger-full-access" && outside === undefined;
  switch (approvalPolicy) {
    case "untrusted":
      return { type: "ask", reason: outside === undefined ? UNTRUSTED : leavesReason(outside), confined };
    case "on-failure":
      // Outside the writable folders it fails inside the sandbox, and then the user is asked.
      return { type: "write", confined: policy.type !== "danger-full-access" };
    case "on-request":
      if (outside === undefined) return { type: "write", confined };
      return { type: "ask", reason: leavesReason(outside), confined };
    case "never":
      return outside === undefined ? { type: "write", confined } : { type: "reject", reason: OUTSIDE };
    default:
      return assertNever(approvalPolicy);
  }
}

const UNTRUSTED = "the approval policy asks about every patch";

function leavesReason(path: string): string {
  return `it writes "${path}", which is outside the writable folders`;
}

/** The first path the sandbox would not let be written. */
function outsidePath(policy: SandboxPolicy, realPaths: readonly string[], roots: readonly WritableRoot[]) {
  switch (policy.type) {
    case "danger-full-access":
      return undefined;
    case "read-only":
      return realPaths[0];
    case "workspace-write":
      return realPaths.find((path) => !isWritablePath(path, roots));
    default:
      return assertNever(policy);
  }
}
