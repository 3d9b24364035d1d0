import { type MemoryLayout, memoryLayout } from "#memories/layout.ts";
import type { StateStore } from "#state/store.ts";
import { readRegular } from "../artifacts/folder.ts";
import { parsePublished } from "./published.ts";

/**
 * Whether `MEMORY.md` is missing where a consolidation would write one, though nothing is due: it is then to be made
 * due. One look at the file when all is well.
 */
export async function isMemoryGone(store: StateStore, codexHome: string): Promise<boolean> {
  const layout = memoryLayout(codexHome);
  if (readRegular(layout.memory) !== "absent") return false;
  const { inputGeneration, consolidatedGeneration } = await store.meta.read();
  if (inputGeneration > consolidatedGeneration) return false;
  const published = parsePublished(readRecord(layout));
  if (published !== null && published.after.memory === null) return false;
  return (await store.outputs.list()).length > 0;
}

/** The text of `.published.json`, null when there is none. */
export function readRecord(layout: MemoryLayout): string | null {
  const bytes = readRegular(layout.published);
  return typeof bytes === "string" ? null : bytes.toString("utf8");
}
