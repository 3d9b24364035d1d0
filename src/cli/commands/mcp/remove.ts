import { writeStdout } from "#lib/stdio.ts";
import { assertServerName } from "./configured.ts";
import { editServers } from "./edit-servers.ts";

/** `codex mcp remove NAME`. Resolves to the exit code: a server that is not there is no failure. */
export async function removeServer(name: string): Promise<number> {
  assertServerName(name);
  const isChanged = await editServers({ type: "remove", path: ["mcp_servers", name] });
  writeStdout(isChanged ? `Removed global MCP server '${name}'.\n` : `No MCP server named '${name}' found.\n`);
  return 0;
}
