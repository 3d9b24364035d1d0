import type { ThreadSettings } from "#agent/settings.ts";
import type { SandboxPolicy } from "#protocol/policies.ts";

/** What a person wants to know of a session at a glance. */
export interface SessionSummary {
  workdir: string;
  model: string;
  provider: string;
  approval: string;
  sandbox: string;
  effort: string;
  summaries: string;
}

export function sessionSummary(settings: ThreadSettings, provider: string): SessionSummary {
  return {
    workdir: settings.cwd,
    model: settings.model.slug,
    provider,
    approval: settings.approvalPolicy,
    sandbox: sandboxSummary(settings.sandbox.policy),
    effort: settings.effort ?? "none",
    summaries: settings.summary,
  };
}

/** `workspace-write [workdir, /tmp, $TMPDIR] (network access enabled)` and the shorter forms. */
function sandboxSummary(policy: SandboxPolicy): string {
  if (policy.type !== "workspace-write") return policy.type;
  const roots = ["workdir"];
  if (!policy.exclude_slash_tmp) roots.push("/tmp");
  if (!policy.exclude_tmpdir_env_var) roots.push("$TMPDIR");
  roots.push(...(policy.writable_roots ?? []));
  return `workspace-write [${roots.join(", ")}]${policy.network_access ? " (network access enabled)" : ""}`;
}
