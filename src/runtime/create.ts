import { findGitRoot } from "#git/repository.ts";
import { NEVER } from "#lib/abort.ts";
import { userShell } from "#process/shell.ts";
import type { Event } from "#protocol/events.ts";
import type { Sandbox } from "#sandbox/sandbox.ts";
import { prepareSandbox } from "#sandbox/select.ts";
import { createArg0Links } from "./arg0-links.ts";
import type { Engines } from "./engines.ts";
import type { Mcp } from "./mcp.ts";
import { emptyNotes } from "./memory-notes.ts";
import { MemoryWork } from "./memory-work.ts";
import { createModelAccess } from "./model-access.ts";
import type { RuntimeOptions, StartedThread } from "./options.ts";
import { resumePoint, type ThreadStart } from "./resume-point.ts";
import type { SessionNetwork } from "./session-network.ts";
import { shutdown } from "./shutdown.ts";
import { startThread } from "./start-thread.ts";

/** The composed program: everything a front end needs to run threads. */
export interface Runtime {
  /**
   * Starts or resumes a thread; `onEvent` hears everything it does, `thread_started` first. Throws a
   * CodexError when the session cannot be found, read or stored; the signal's reason when aborted first, and then only
   * `shutdown` is left to do.
   */
  startThread(
    start: ThreadStart,
    onEvent: (event: Event) => void,
    options?: { signal?: AbortSignal },
  ): Promise<StartedThread>;
  /**
   * Ends the MCP servers that have nothing to do, in a session of which nothing has been wanted for long: the next call
   * starts them again. Never rejects.
   */
  rest(): Promise<void>;
  /** Ends threads and their commands, flushes and tidies up; the background gives its jobs back. Safe to call twice. */
  shutdown(): Promise<void>;
  /** After `shutdown`, when the answer is out: the moment a headless process may spend on memories. Never rejects. */
  learn(): Promise<void>;
}

/** Builds the engines that all threads of this process share. Nothing is started yet. */
export async function createRuntime(options: RuntimeOptions): Promise<Runtime> {
  const links = createArg0Links(options.codexHome);
  const sandbox: Sandbox = prepareSandbox({ legacyLandlock: options.settings.features.use_legacy_landlock });
  const engines: Engines = {
    options,
    sandbox,
    shell: userShell(),
    arg0Folder: links.folder,
    model: await createModelAccess(options),
    network: await configuredNetwork(options),
    mcp: await configuredMcp(options),
    pending: new Set(),
    memoryNotes: options.memoryNotes ?? emptyNotes(),
  };
  const closers: (() => Promise<void>)[] = [];
  const memories = new MemoryWork(engines);
  return {
    startThread: async (start, onEvent, { signal = NEVER } = {}) => {
      const past = await resumePoint(start, options);
      const { close, ...started } = await startThread(memories.engines(onEvent), past, onEvent, { signal });
      memories.rootThread ??= started.thread.id;
      closers.push(close);
      return started;
    },
    rest: async () => engines.mcp?.rest(),
    shutdown: () => shutdown({ engines, closers, memories, links }),
    learn: () => memories.learn(),
  };
}

/** Nothing of the proxy is even loaded where [network] is off. */
async function configuredNetwork({ settings, codexHome }: RuntimeOptions): Promise<SessionNetwork | undefined> {
  if (!settings.network.enabled) return undefined;
  return (await import("./session-network.ts")).sessionNetwork(settings.network, codexHome);
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
