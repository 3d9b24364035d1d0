import { monotonicMs } from "#lib/clock.ts";
import { environment } from "#lib/env.ts";
import { CodexError } from "#lib/errors.ts";
import { codexHome } from "#lib/home.ts";
import { writeStdout } from "#lib/stdio.ts";
import { McpServer } from "#mcp/server.ts";
import { McpStartupError, startupFailureText } from "#mcp/startup-error.ts";
import { ToolCache } from "#mcp/tool-cache.ts";
import { qualifiedToolName } from "#mcp/tool-names.ts";
import { OrphanWatch } from "#process/orphan-watch.ts";
import { type McpOptions, serverNamed } from "./configured.ts";

/**
 * `codex mcp test NAME`: starts the server, disabled or not, lists its tools and keeps the list for the next
 * session. Resolves to the exit code; throws a CodexError when the server does not start.
 */
export async function testServer(name: string, options: McpOptions): Promise<number> {
  const { settings } = await serverNamed(name, options);
  const watch = new OrphanWatch();
  const server = new McpServer(settings, {
    cwd: process.cwd(),
    codexHome: codexHome(),
    env: environment(),
    watch,
    cache: new ToolCache(codexHome()),
    onStatus: () => {},
  });
  const started = monotonicMs();
  try {
    await server.start();
    report(server, Math.round(monotonicMs() - started), options.json === true);
  } catch (error) {
    if (!(error instanceof McpStartupError)) throw error;
    throw new CodexError("mcp_test", startupFailureText(name, error, settings.startupTimeoutMs));
  } finally {
    await server.close();
    watch.close();
  }
  return 0;
}

function report(server: McpServer, elapsedMs: number, json: boolean): void {
  const offered = new Set(server.tools);
  const tools = server.listed.map((info) => ({
    name: info.name,
    qualified_name: qualifiedToolName(server.name, info.name),
    description: info.description,
    offered: offered.has(info),
  }));
  if (json) {
    writeStdout(`${JSON.stringify({ name: server.name, elapsed_ms: elapsedMs, tools }, null, 2)}\n`);
    return;
  }
  const lines = tools.map(
    (tool) => `  ${tool.name}${tool.offered ? "" : " (not offered: enabled_tools or disabled_tools leaves it out)"}`,
  );
  writeStdout(`${[`${server.name}: ready in ${elapsedMs} ms, ${tools.length} tools`, ...lines].join("\n")}\n`);
}
