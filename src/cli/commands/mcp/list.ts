import { environment } from "#lib/env.ts";
import { CodexError } from "#lib/errors.ts";
import { codexHome } from "#lib/home.ts";
import { Semaphore } from "#lib/semaphore.ts";
import { writeStdout, writeWarning } from "#lib/stdio.ts";
import { textWidth } from "#lib/text-width.ts";
import type { McpAuthStatus } from "#mcp/oauth/auth-status.ts";
import { type ConfiguredServer, configuredServers, type McpOptions } from "./configured.ts";
import { environmentNames, maskedNames, serverJson } from "./server-json.ts";

/** `codex mcp list`. Resolves to the exit code. */
export async function listServers(options: McpOptions): Promise<number> {
  const servers = await withAuth(await configuredServers(options));
  if (options.json === true) writeStdout(`${JSON.stringify(servers.map(listedJson), null, 2)}\n`);
  else if (servers.length === 0) {
    writeStdout("No MCP servers configured yet. Try `codex mcp add my-tool -- my-command`.\n");
  } else writeStdout(`${[stdioTable(servers), httpTable(servers)].filter((table) => table !== "").join("\n")}`);
  return 0;
}

interface ListedServer extends ConfiguredServer {
  auth: McpAuthStatus;
}

const AUTH_TEXT: Readonly<Record<McpAuthStatus, string>> = {
  unsupported: "Unsupported",
  bearer_token: "Bearer token",
  o_auth: "OAuth",
  not_logged_in: "Not logged in",
};

/** Servers without a login are asked whether they want one, this many at once and no longer than this together. */
const PROBES = 16;
const PROBE_LIMIT_MS = 5_000;

async function withAuth(servers: readonly ConfiguredServer[]): Promise<ListedServer[]> {
  const probes = new Semaphore(PROBES);
  const limit = AbortSignal.timeout(PROBE_LIMIT_MS);
  const withOne = async (server: ConfiguredServer) => ({
    ...server,
    auth: await probes.run(() => authOf(server, limit)),
  });
  return Promise.all(servers.map(withOne));
}

async function authOf({ settings }: ConfiguredServer, signal: AbortSignal): Promise<McpAuthStatus> {
  if (settings.transport.type === "stdio") return "unsupported";
  const [{ authStatus }, { configuredHeaders }] = await Promise.all([
    import("#mcp/oauth/auth-status.ts"),
    import("#mcp/request-headers.ts"),
  ]);
  const headers = configuredHeaders(settings.transport, environment());
  const options = { codexHome: codexHome(), headers, signal };
  return authStatus(settings, options).catch((error: unknown) => {
    if (!(error instanceof CodexError)) throw error;
    // A list is of use without this, too.
    writeWarning(`${settings.name}: ${error.message}`);
    return "unsupported";
  });
}

function listedJson(server: ListedServer): Record<string, unknown> {
  return {
    ...serverJson(server),
    startup_timeout_sec: server.startupTimeoutSec,
    tool_timeout_sec: server.toolTimeoutSec,
    auth_status: server.auth,
  };
}

function stdioTable(servers: readonly ListedServer[]): string {
  const rows = servers.flatMap(({ settings: { name, transport, enabled }, auth }) =>
    transport.type === "stdio"
      ? [
          [
            name,
            transport.command,
            transport.args.join(" ") || "-",
            maskedNames(environmentNames(transport)),
            transport.cwd ?? "-",
            enabled ? "enabled" : "disabled",
            AUTH_TEXT[auth],
          ],
        ]
      : [],
  );
  return table(["Name", "Command", "Args", "Env", "Cwd", "Status", "Auth"], rows);
}

function httpTable(servers: readonly ListedServer[]): string {
  const rows = servers.flatMap(({ settings: { name, transport, enabled }, auth }) =>
    transport.type === "http"
      ? [[name, transport.url, transport.bearerTokenEnvVar ?? "-", enabled ? "enabled" : "disabled", AUTH_TEXT[auth]]]
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
