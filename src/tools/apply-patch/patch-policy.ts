import { assertNever } from "#lib/errors.ts";
import type { ApprovalPolicy, SandboxPolicy } from "#protocol/policies.ts";
import { isWritablePath } from "#sandbox/roots.ts";
import type { WritableRoot } from "#sandbox/sandbox.ts";

/** What may happen with a patch before it is written. */
export type PatchDecision =
  | { type: "write"; confined: boolean }
  /**
   * The user is to be asked; `reason` says why. Approved, it is written inside the sandbox (`confined`) or not.
   * `outside` are the paths the sandbox would not let be written.
   */
  | { type: "ask"; reason: string; confined: boolean; outside: readonly string[] }
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
  const outside = outsidePaths(policy, realPaths, roots);
  const confined = policy.type !== "danger-full-access" && outside.length === 0;
  const question = { type: "ask", confined, outside } as const;
  switch (approvalPolicy) {
    case "untrusted":
      return { ...question, reason: outside.length === 0 ? UNTRUSTED : leavesReason(outside) };
    case "on-failure":
    case "on-request":
      // Inside the sandbox it would fail, perhaps after a part of it was written.
      return outside.length === 0 ? { type: "write", confined } : { ...question, reason: leavesReason(outside) };
    case "never":
      return outside.length === 0 ? { type: "write", confined } : { type: "reject", reason: OUTSIDE };
    default:
      return assertNever(approvalPolicy);
  }
}

const UNTRUSTED = "the approval policy asks about every patch";

function leavesReason(outside: readonly string[]): string {
  const shown = [...new Set(outside)].map((path) => JSON.stringify(path)).join(", ");
  return `it writes outside the writable folders: ${shown}`;
}

function outsidePaths(policy: SandboxPolicy, realPaths: readonly string[], roots: readonly WritableRoot[]) {
  switch (policy.type) {
    case "danger-full-access":
      return [];
    case "read-only":
      return realPaths;
    case "workspace-write":
      return realPaths.filter((path) => !isWritablePath(path, roots));
    default:
      return assertNever(policy);
  }
}
