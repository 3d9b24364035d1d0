import type { Shell } from "#process/shell.ts";
import type { Sandbox } from "#sandbox/sandbox.ts";
import type { Mcp } from "./mcp.ts";
import type { MemoryNotes } from "./memory-notes.ts";
import type { ModelAccess } from "./model-access.ts";
import type { RuntimeOptions } from "./options.ts";
import type { SessionNetwork } from "./session-network.ts";

/** What every thread of this process is built from. */
export interface Engines {
  options: RuntimeOptions;
  sandbox: Sandbox;
  shell: Shell;
  /** Folder of links to this executable that leads the commands' PATH, or null. */
  arg0Folder: string | null;
  model: ModelAccess;
  /** Undefined where [network] is off. */
  network: SessionNetwork | undefined;
  /** Undefined when no MCP server is configured. */
  mcp: Mcp | undefined;
  /** Work that must be under way before the process ends (starting a notify program); never rejects. */
  pending: Set<Promise<void>>;
  memoryNotes: MemoryNotes;
}
