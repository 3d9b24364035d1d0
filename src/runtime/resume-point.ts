import { CodexError } from "#lib/errors.ts";
import { isUuid } from "#lib/ids.ts";
import type { ResumedSession } from "#rollout/resume.ts";
import type { RuntimeOptions } from "./options.ts";

/** How a thread begins. */
export type ThreadStart =
  | { type: "new" }
  /** By session id. */
  | { type: "resume"; session: string }
  /** The provider's most recently updated session of the cwd, or of any folder; a new thread when there is none. */
  | { type: "resume_last"; anyFolder: boolean };

/** The stored session a thread goes on with, or null for a new one. Throws for an id that is not found. */
export async function resumePoint(
  start: ThreadStart,
  home: Pick<RuntimeOptions, "codexHome" | "cwd" | "settings">,
): Promise<ResumedSession | null> {
  if (start.type === "new") return null;
  const { findLatest, findRollout } = await import("#rollout/list.ts");
  const path =
    start.type === "resume"
      ? findRollout(home.codexHome, start.session)
      : findLatest(home.codexHome, {
          modelProvider: home.settings.provider.id,
          ...(start.anyFolder ? {} : { cwd: home.cwd }),
        });
  if (path !== undefined) return (await import("#rollout/resume.ts")).resumeSession(path);
  if (start.type === "resume_last") return null;
  const hint = isUuid(start.session) ? "" : " (a session id is a UUID; --last takes the most recent session)";
  throw new CodexError(
    "thread_not_found",
    `no rollout found for thread id ${start.session} in "${home.codexHome}"${hint}`,
  );
}
