import type { Arg0Links } from "./arg0-links.ts";
import type { Engines } from "./engines.ts";
import type { MemoryWork } from "./memory-work.ts";

/**
 * Ends what a runtime started: threads and their commands first, since they still use everything else, then the
 * network proxy, MCP servers and the memory pipeline, which gives its leases back.
 */
export async function shutdown(parts: {
  engines: Engines;
  closers: (() => Promise<void>)[];
  memories: MemoryWork;
  links: Arg0Links;
}): Promise<void> {
  const { engines, closers, memories, links } = parts;
  await Promise.all([...closers.splice(0).map((close) => close()), ...engines.pending]);
  await Promise.all([engines.mcp?.close(), memories.stop()]);
  engines.network?.close();
  links.remove();
}
