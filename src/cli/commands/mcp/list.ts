import { writeStdout } from "#lib/stdio.ts";
import { textWidth } from "#lib/text-width.ts";
import { type ConfiguredServer, configuredServers, type McpOptions } from "./configured.ts";
import { authStatus, environmentNames, maskedNames, serverJson } from "./server-json.ts";

/** `codex mcp list`. Resolves to the exit code. */
export async function listServers(options: McpOptions): Promise<number> {
  const servers = await configuredServers(options);
  if (options.json === true) writeStdout(`${JSON.stringify(servers.map(listedJson), null, 2)}\n`);
  else if (servers.length === 0) {
    writeStdout("No MCP servers configured yet. Try `codex mcp add my-tool -- my-command`.\n");
  } else writeStdout(`${[stdioTable(servers), httpTable(servers)].filter((table) => table !== "").join("\n")}`);
  return 0;
}

function listedJson(server: ConfiguredServer): Record<string, unknown> {
  return {
    ...serverJson(server),
    startup_timeout_sec: server.startupTimeoutSec,
    tool_timeout_sec: server.toolTimeoutSec,
    auth_status: authStatus(server.settings.transport).json,
  };
}

function stdioTable(servers: readonly ConfiguredServer[]): string {
  const rows = servers.flatMap(({ settings: { name, transport, enabled } }) =>
    transport.type === "stdio"
      ? [
          [
            name,
            transport.command,
            transport.args.join(" ") || "-",
            maskedNames(environmentNames(transport)),
            transport.cwd ?? "-",
            enabled ? "enabled" : "disabled",
            authStatus(transport).text,
          ],
        ]
      : [],
  );
  return table(["Name", "Command", "Args", "Env", "Cwd", "Status", "Auth"], rows);
}

function httpTable(servers: readonly ConfiguredServer[]): string {
  const rows = servers.flatMap(({ settings: { name, transport, enabled } }) =>
    transport.type === "http"
      ? [
          [
            name,
            transport.url,
            transport.bearerTokenEnvVar ?? "-",
            enabled ? "enabled" : "disabled",
            authStatus(transport).text,
          ],
        ]
      : [],
  );
  return table(["Name", "Url", "Bearer Token Env Var", "Status", "Auth"], rows);
}

/** Columns as wide as their widest cell, two spaces apart. Nothing without rows. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((cells) => textWidth(cells[column] ?? ""))));
  return lines
    .map((cells) => {
      const padded = cells.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - textWidth(cell)));
      return `${padded.join("  ")}\n`;
    })
    .join("");
}
