import { join } from "node:path";
import { CodexError } from "#lib/errors.ts";
import { codexHome } from "#lib/home.ts";
import { writeStdout } from "#lib/stdio.ts";
import { configurationHere, type McpOptions, serverNamed } from "./configured.ts";
import { editServers } from "./edit-servers.ts";

/** `codex mcp enable NAME` and `disable NAME`. Resolves to the exit code. */
export async function switchServer(name: string, enabled: boolean, options: McpOptions): Promise<number> {
  const { settings } = await serverNamed(name, options);
  if (settings.enabled !== enabled) await write(name, enabled);
  writeStdout(`MCP server '${name}' is ${enabled ? "enabled" : "disabled"}.\n`);
  return 0;
}

/** Only what is written in the user's own file can be switched there: elsewhere half a server would come of it. */
async function write(name: string, enabled: boolean): Promise<void> {
  const path = join(codexHome(), "config.toml");
  const { layers } = await configurationHere();
  const own = layers.find((layer) => layer.name === "user");
  const servers = own?.table.mcp_servers;
  if (typeof servers !== "object" || !(name in servers)) {
    throw new CodexError(
      "mcp_server",
      `MCP server '${name}' is not in "${path}" but in another configuration file; set enabled = ${enabled} there`,
    );
  }
  await editServers({ type: "set", path: ["mcp_servers", name, "enabled"], value: enabled });
}
