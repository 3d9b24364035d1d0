import { environment, envVar } from "#lib/env.ts";
import { VERSION } from "#lib/version.ts";
import { osIdentity, userAgent } from "#providers/user-agent.ts";

/** How this program names itself towards a client that named itself: `codex_cli_rs/0.1.0 (…) unknown (probe; 1.0)`. */
export function userAgentFor(originator: string, client: { name: string; version: string }): string {
  const own = userAgent(
    envVar("CODEX_INTERNAL_ORIGINATOR_OVERRIDE") ?? originator,
    VERSION,
    osIdentity(),
    environment(),
  );
  return `${own} (${client.name}; ${client.version})`;
}
