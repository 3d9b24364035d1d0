import { join } from "node:path";

/** Whether this is the standalone executable, not the sources run by Bun. */
export function isCompiled(): boolean {
  return Bun.main.startsWith("/$bunfs/") || Bun.main.startsWith("B:/~BUN/");
}

/** First argument that makes this program its own patch engine, where no link with that name may be at hand. */
export const RUN_AS_APPLY_PATCH = "--codex-run-as-apply-patch";

/** First argument that makes this program the bridge from a network namespace to the network proxy. */
export const RUN_AS_NETWORK_BRIDGE = "--codex-run-as-network-bridge";

/** First argument that makes this program confine itself by Landlock and become the command that follows. */
export const RUN_AS_LANDLOCK = "--codex-run-as-landlock";

/** The words that start this program again: the executable, or Bun with the entry file (never another script that uses our modules). */
export function selfCommand(): string[] {
  return isCompiled() ? [process.execPath] : [process.execPath, join(import.meta.dir, "../main.ts")];
}
