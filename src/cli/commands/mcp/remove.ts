import { join } from "node:path";
import { editConfigFile } from "#config/edit.ts";
import { codexHome } from "#lib/home.ts";
import { writeStdout } from "#lib/stdio.ts";
import { assertServerName } from "./configured.ts";

/** `codex mcp remove NAME`. Resolves to the exit code: a server that is not there is no failure. */
export async function removeServer(name: string): Promise<number> {
  assertServerName(name);
  const path = join(codexHome(), "config.toml");
  const isChanged = await editConfigFile(path, { type: "remove", path: ["mcp_servers", name] });
  writeStdout(isChanged ? `Removed global MCP server '${name}'.\n` : `No MCP server named '${name}' found.\n`);
  return 0;
}
