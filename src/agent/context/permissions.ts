import { resolve } from "node:path";
import type { NetworkSettings } from "#config/network-settings.ts";
import { type MessageItem, textMessage } from "#protocol/items.ts";
import type { ApprovalPolicy, SandboxMode, SandboxPolicy } from "#protocol/policies.ts";
import approvalNever from "../prompts/permissions/approval-never.md" with { type: "text" };
import approvalOnFailure from "../prompts/permissions/approval-on-failure.md" with { type: "text" };
import approvalOnRequest from "../prompts/permissions/approval-on-request.md" with { type: "text" };
import approvalUntrusted from "../prompts/permissions/approval-untrusted.md" with { type: "text" };
import fullAccess from "../prompts/permissions/danger-full-access.md" with { type: "text" };
import readOnly from "../prompts/permissions/read-only.md" with { type: "text" };
import workspaceWrite from "../prompts/permissions/workspace-write.md" with { type: "text" };
import { networkAccessText } from "./network-access.ts";

const SANDBOX_TEXTS: Readonly<Record<SandboxMode, string>> = {
  "read-only": readOnly,
  "workspace-write": workspaceWrite,
  "danger-full-access": fullAccess,
};

const APPROVAL_TEXTS: Readonly<Record<ApprovalPolicy, string>> = {
  never: approvalNever,
  "on-failure": approvalOnFailure,
  "on-request": approvalOnRequest,
  untrusted: approvalUntrusted,
};

/** What decides the permissions a model is told of. */
export interface PermissionFacts {
  sandboxPolicy: SandboxPolicy;
  approvalPolicy: ApprovalPolicy;
  /** The session's cwd, absolute. */
  cwd: string;
  /** `$TMPDIR` of the session, or undefined. */
  tmpdir: string | undefined;
  /** The `[network]` table that sandboxed commands are behind; undefined where they never are. */
  network?: NetworkSettings | undefined;
}

/** The developer message that says what commands may touch and when the user is asked. */
export function permissionsMessage(facts: PermissionFacts): MessageItem {
  const network = networkAccessText(facts.sandboxPolicy, facts.network);
  const lines = [
    "<permissions instructions>",
    SANDBOX_TEXTS[facts.sandboxPolicy.type].trim().replaceAll("{network}", () => network),
    APPROVAL_TEXTS[facts.approvalPolicy].trim(),
    ...rootsLine(facts),
    "</permissions instructions>",
  ];
  return textMessage("developer", lines.join("\n"));
}

function rootsLine(facts: PermissionFacts): string[] {
  const roots = writableRoots(facts).map((root) => `\`${root}\``);
  if (roots.length === 0) return [];
  return [roots.length === 1 ? `The writable root is ${roots[0]}.` : `The writable roots are ${roots.join(", ")}.`];
}

/** Configured and added folders, then cwd, `/tmp` and `$TMPDIR`; each once. */
function writableRoots({ sandboxPolicy: policy, cwd, tmpdir }: PermissionFacts): string[] {
  if (policy.type !== "workspace-write") return [];
  const roots = [...(policy.writable_roots ?? []).map((root) => resolve(cwd, root)), cwd];
  if (!policy.exclude_slash_tmp) roots.push("/tmp");
  if (!policy.exclude_tmpdir_env_var && tmpdir !== undefined) roots.push(resolve(tmpdir));
  return [...new Set(roots)];
}
