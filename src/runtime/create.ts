import { findGitRoot } from "#git/repository.ts";
import { userShell } from "#process/shell.ts";
import type { Event } from "#protocol/events.ts";
import type { Sandbox } from "#sandbox/sandbox.ts";
import { prepareSandbox } from "#sandbox/select.ts";
import { createArg0Links } from "./arg0-links.ts";
import type { Engines } from "./engines.ts";
import type { Mcp } from "./mcp.ts";
import { emptyNotes } from "./memory-notes.ts";
import { createModelAccess } from "./model-access.ts";
import type { RuntimeOptions, StartedThread } from "./options.ts";
import { resumePoint, type ThreadStart } from "./resume-point.ts";
import { startThread } from "./start-thread.ts";

/** The composed program: everything a front end needs to run threads. */
export interface Runtime {
  /**
   * Starts or resumes a thread; `onEvent` hears everything it does, `thread_started` first. Throws a
   * CodexError when the session cannot be found, read or stored.
   */
  startThread(start: ThreadStart, onEvent: (event: Event) => void): Promise<StartedThread>;
  /** Ends threads and their commands, flushes and tidies up. Safe to call twice. */
  shutdown(): Promise<void>;
}

/** Builds the engines that all threads of this process share. Nothing is started yet. */
export async function createRuntime(options: RuntimeOptions): Promise<Runtime> {
  const links = createArg0Links(options.codexHome);
  const sandbox: Sandbox = prepareSandbox();
  const engines: Engines = {
    options,
    sandbox,
    shell: userShell(),
    arg0Folder: links.folder,
    model: await createModelAccess(options),
    mcp: await configuredMcp(options),
    pending: new Set(),
    memoryNotes: emptyNotes(),
  };
  const closers: (() => Promise<void>)[] = [];
  return {
    startThread: async (start, onEvent) => {
      const past = await resumePoint(start, options);
      const { close, ...started } = await startThread(engines, past, onEvent);
      closers.push(close);
      return started;
    },
    shutdown: async () => {
      await Promise.all([...closers.splice(0).map((close) => close()), ...engines.pending]);
      await engines.mcp?.close();
      links.remove();
    },
  };
}

/** Nothing of MCP is even loaded where no server is configured. */
async function configuredMcp(options: RuntimeOptions): Promise<Mcp | undefined> {
  if (!options.settings.mcpServers.some((server) => server.enabled)) return undefined;
  return (await import("./mcp.ts")).createMcp(options);
}

/** Whether the folder is inside a Git working tree. */
export function isInsideRepository(folder: string): boolean {
  return findGitRoot(folder) !== undefined;
}
