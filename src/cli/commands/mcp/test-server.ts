import { monotonicMs } from "#lib/clock.ts";
import { environment } from "#lib/env.ts";
import { CodexError } from "#lib/errors.ts";
import { codexHome } from "#lib/home.ts";
import { printable } from "#lib/printable.ts";
import { writeStdout } from "#lib/stdio.ts";
import { shortened } from "#lib/truncate.ts";
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
    renewals: new Set(),
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
  const tools = listedTools(server);
  if (json) {
    const listed = tools.map(({ whyNot, ...tool }) => ({ ...tool, offered: whyNot === undefined }));
    writeStdout(`${JSON.stringify({ name: server.name, elapsed_ms: elapsedMs, tools: listed }, null, 2)}\n`);
    return;
  }
  const lines = tools.map(({ name, whyNot }) => `  ${shown(name)}${whyNot === undefined ? "" : ` (${whyNot})`}`);
  writeStdout(
    `${[`${server.name}: ready in ${elapsedMs} ms, ${tools.length} ${tools.length === 1 ? "tool" : "tools"}`, ...lines].join("\n")}\n`,
  );
}

interface ListedTool {
  name: string;
  qualified_name: string;
  description: string;
  /** Why the model does not get it; undefined where it does. */
  whyNot: string | undefined;
}

/** Every tool of the server. Of two that the model would call by one name it gets the first. */
function listedTools(server: McpServer): ListedTool[] {
  const passed = new Set(server.tools);
  const taken = new Set<string>();
  return server.listed.map((info) => {
    const qualifiedName = qualifiedToolName(server.name, info.name);
    const isTaken = taken.has(qualifiedName);
    if (passed.has(info)) taken.add(qualifiedName);
    const whyNot = passed.has(info) ? (isTaken ? TAKEN : undefined) : info.needsTask === true ? NEEDS_TASK : FILTERED;
    return { name: info.name, qualified_name: qualifiedName, description: info.description, whyNot };
  });
}

const FILTERED = "not offered: enabled_tools or disabled_tools leaves it out";
const NEEDS_TASK = "not offered: it runs as a task only, which Codex cannot follow";
const TAKEN = "not offered: an earlier tool has this name";

/** Longest part of a name that is shown. */
const NAME_CHARS = 200;

/** A name as the server spells it, on one line and without what would steer a terminal. */
function shown(name: string): string {
  return shortened(printable(name).replaceAll(/\s+/g, " "), NAME_CHARS);
}
