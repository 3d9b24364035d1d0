import { SessionApprovals } from "#approvals/session-cache.ts";
import { SessionRules } from "#execpolicy/session-rules.ts";
import { writeWarning } from "#lib/stdio.ts";
import type { RuntimeOptions } from "./options.ts";

/** What the user allows: by rules, and by answers until the session ends. */
export interface ThreadConsents {
  rules: SessionRules;
  approvals: SessionApprovals;
}

export function threadConsents({ codexHome, settings }: RuntimeOptions): ThreadConsents {
  return { rules: new SessionRules(codexHome, settings.ruleFolders, writeWarning), approvals: new SessionApprovals() };
}
