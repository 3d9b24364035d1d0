import { environment } from "#lib/env.ts";
import { McpServers } from "#mcp/servers.ts";
import { NEVER } from "./mcp-stage.ts";
import type { OAuthStage } from "./oauth-stage.ts";

/** A session that uses the stage's server. */
export function session(at: OAuthStage, settings = [at.settings()]) {
  const servers = new McpServers({
    settings,
    codexHome: at.home.codexHome,
    cwd: at.home.cwd,
    env: environment(),
  });
  const failures: string[] = [];
  return {
    failures,
    start: async () => {
      servers.begin((_, status) => {
        if (status.type === "failed") failures.push(status.message);
      });
      await servers.settled({ onNote: () => {}, signal: NEVER });
    },
    call: async (name = "web") => {
      const params = { name: "echo", arguments: {} };
      const result = await servers.find(name)?.request("tools/call", params, { signal: NEVER });
      return (result?.content as { text: string }[] | undefined)?.[0]?.text;
    },
    [Symbol.asyncDispose]: () => servers.close(),
  };
}

/** The one login that is stored. */
export function stored(at: OAuthStage): Record<string, unknown> {
  return Object.values(at.stored())[0] ?? {};
}

/** Writes the stored login anew. */
export function change(at: OAuthStage, fields: Record<string, unknown>): void {
  const changed = Object.fromEntries(Object.entries(at.stored()).map(([key, entry]) => [key, { ...entry, ...fields }]));
  at.home.write("home/.credentials.json", JSON.stringify(changed));
}

/** The requests for a renewal so far. */
export const refreshes = (at: OAuthStage) =>
  at.authorization.at("/token").filter(({ parameters }) => parameters.grant_type === "refresh_token");
