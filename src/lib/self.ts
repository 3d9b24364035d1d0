/** Whether this is the standalone executable, not the sources run by Bun. */
export function isCompiled(): boolean {
  return Bun.main.startsWith("/$bunfs/") || Bun.main.startsWith("B:/~BUN/");
}

/** First argument that makes this program its own patch engine, where no link with that name may be at hand. */
export const RUN_AS_APPLY_PATCH = "--codex-run-as-apply-patch";

/** The words that start this program again: the executable, or Bun with the entry file. */
export function selfCommand(): string[] {
  return isCompiled() ? [process.execPath] : [process.execPath, Bun.main];
}
