import { assertNever } from "#lib/errors.ts";
import type { SandboxPolicy } from "#protocol/policies.ts";
import { isWritablePath } from "#sandbox/roots.ts";
import type { WritableRoot } from "#sandbox/sandbox.ts";

export type PatchDecision = { allow: true } | { allow: false; reason: string };

/** The released program's wording, whatever the reason for the refusal. */
const OUTSIDE = "writing outside of the project; rejected by user approval settings";

/**
 * Whether a patch may touch the real paths (absolute, links followed) under the sandbox policy. `roots`
 * are those of the policy, with the folders below them that stay read-only.
 */
export function decidePatch(
  policy: SandboxPolicy,
  realPaths: readonly string[],
  roots: readonly WritableRoot[],
): PatchDecision {
  switch (policy.type) {
    case "danger-full-access":
      return { allow: true };
    case "read-only":
      return { allow: false, reason: OUTSIDE };
    case "workspace-write":
      return realPaths.every((path) => isWritablePath(path, roots))
        ? { allow: true }
        : { allow: false, reason: OUTSIDE };
    default:
      return assertNever(policy);
  }
}
