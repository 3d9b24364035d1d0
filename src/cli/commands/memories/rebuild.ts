import { writeStdout } from "#lib/stdio.ts";
import { syncArtifacts } from "#memories/write/artifacts/sync.ts";
import { type MemoriesOptions, printJson, withMemories } from "./context.ts";
import { counted } from "./text.ts";

/** Compares every artifact file with the database and writes those that differ. */
export function memoriesRebuild(options: MemoriesOptions): Promise<number> {
  return withMemories(options, async ({ store, codexHome }) => {
    const { written, removed, foreign } = await syncArtifacts(store, { codexHome, compareAll: true });
    if (options.json === true) {
      printJson({ written, removed, foreign });
      return 0;
    }
    writeStdout(`${counted(written, "file")} written, ${counted(removed, "file")} removed\n`);
    for (const name of foreign) writeStdout(`left alone, because it is not ours: ${name}\n`);
    return 0;
  });
}
