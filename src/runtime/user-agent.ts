import { environment, envVar } from "#lib/env.ts";
import { VERSION } from "#lib/version.ts";
import { osIdentity, userAgent } from "#providers/user-agent.ts";

/** How this program names itself towards the program that uses it: what providers are told, too. */
export function userAgentFor(originator: string, client: { name: string; version: string }): string {
  const first = envVar("CODEX_INTERNAL_ORIGINATOR_OVERRIDE") ?? originator;
  return userAgent(first, VERSION, osIdentity(), environment(), client);
}
