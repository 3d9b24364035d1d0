import { waitAtMost } from "#lib/abort.ts";

/** A token that comes later than this is lost with its login: a process that is over must end. */
const GRACE_MS = 3_000;

/** Resolves when the renewals of logins that are under way are over, or after a grace. */
export async function renewalsSettled(renewals: ReadonlySet<Promise<unknown>>): Promise<void> {
  if (renewals.size > 0) await waitAtMost(Promise.allSettled(renewals), GRACE_MS);
}
