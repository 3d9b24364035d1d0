import { codexHome } from "#lib/home.ts";
import { writeStdout } from "#lib/stdio.ts";
import { memoryLayout } from "#memories/layout.ts";
import { type MemoriesOptions, printJson } from "./context.ts";

/** Prints the memory root, whether or not it exists. */
export function memoriesPath(options: MemoriesOptions): number {
  const { root } = memoryLayout(codexHome());
  if (options.json === true) printJson({ path: root });
  else writeStdout(`${root}\n`);
  return 0;
}
