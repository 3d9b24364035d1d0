import { basename, join, resolve } from "node:path";
import { isUuid } from "#lib/ids.ts";
import type { MemoryLayout } from "#memories/layout.ts";

/** Programs that only read the files they are given; `sed` and `awk` do when they print (see `isReader`). */
const READERS: ReadonlySet<string> = new Set(
  "awk bat cat cut egrep fgrep file grep head jq less ls more nl od rg sed stat tac tail wc".split(" "),
);

/** The sessions whose memory files simple commands open, each once. Commands that may write count for nothing. */
export function openedThreads(
  commands: readonly (readonly string[])[],
  where: { layout: MemoryLayout; cwd: string },
): string[] {
  const paths = commands.filter(isReader).flatMap((command) => command.slice(1));
  return [...new Set(paths.flatMap((path) => summaryThread(path, where)))];
}

function isReader([program, ...args]: readonly string[]): boolean {
  if (program === undefined || !READERS.has(basename(program))) return false;
  return basename(program) !== "sed" || !args.some((arg) => /^(?:-[a-zA-Z]*i|--in-place)/.test(arg));
}

/** The thread of a path `…/memories/rollout_summaries/<id>.md`. */
function summaryThread(argument: string, { layout, cwd }: { layout: MemoryLayout; cwd: string }): string[] {
  const path = resolve(cwd, argument);
  const id = basename(path, ".md").toLowerCase();
  return isUuid(id) && path === join(layout.rolloutSummaries, basename(path)) ? [id] : [];
}
