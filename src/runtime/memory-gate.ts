import { existsSync } from "node:fs";
import { startKind } from "#memories/write/when.ts";
import type { ModelClient } from "#providers/model-client.ts";
import { databasePath } from "#state/database-path.ts";
import { hasNotes, type MemoryNotes } from "./memory-notes.ts";
import type { RuntimeOptions } from "./options.ts";

/** When a process of these options runs the pipeline. Loads nothing of it. */
export function startKindOf({ source, ephemeral, settings }: RuntimeOptions): ReturnType<typeof startKind> {
  return startKind({ source, ephemeral, generate: settings.memories.generate });
}

/** Whether a process that is about to end could have something to do for memories; looks at one file name. */
export function mayLearnAtEnd(runtime: RuntimeOptions, notes: MemoryNotes): boolean {
  if (hasNotes(notes)) return true;
  if (startKindOf(runtime) !== "at_end") return false;
  // Headless sessions feed nothing by default: making a database for other sessions' sake is left to others.
  const feeds = runtime.settings.memories.sources.some((source) => source === runtime.source);
  return feeds || existsSync(databasePath(runtime.codexHome));
}

/** Passes everything through and calls back once, when the first answer begins to arrive. */
export function afterFirstAnswer(client: ModelClient, callback: () => void): ModelClient {
  let isFirst = true;
  return {
    async *stream(request, options) {
      for await (const batch of client.stream(request, options)) {
        if (isFirst) callback();
        isFirst = false;
        yield batch;
      }
    },
  };
}
