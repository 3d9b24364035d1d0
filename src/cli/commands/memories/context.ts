import { type LoadedConfig, loadConfig } from "#config/load.ts";
import { resolveSettings, type Settings } from "#config/resolve.ts";
import { codexHome } from "#lib/home.ts";
import { writeStdout, writeWarning } from "#lib/stdio.ts";
import { type MemoryLayout, memoryLayout } from "#memories/layout.ts";
import { openMemoryState, unixNow } from "#runtime/memories.ts";
import type { UnixSeconds } from "#state/rows.ts";
import type { StateStore } from "#state/store.ts";
import { parseOverrides } from "../../overrides.ts";

/** Options every memories command takes. */
export interface MemoriesOptions {
  json?: boolean;
  config?: string[];
}

/** What the commands work on. They need no repository, trust, credentials or terminal. */
export interface MemoriesContext {
  codexHome: string;
  layout: MemoryLayout;
  settings: Settings;
  store: StateStore;
  now: UnixSeconds;
}

/** Reads the configuration of this folder, opens the state and closes it when the work is done. */
export async function withMemories<T>(
  options: MemoriesOptions,
  work: (context: MemoriesContext) => Promise<T>,
): Promise<T> {
  const home = codexHome();
  const settings = resolveSettings(await load(home, options));
  const report = writeWarning;
  const store = await openMemoryState(home, { report });
  try {
    return await work({ codexHome: home, layout: memoryLayout(home), settings, store, now: unixNow() });
  } finally {
    await store.close();
  }
}

async function load(home: string, options: MemoriesOptions): Promise<LoadedConfig> {
  const loaded = await loadConfig({
    codexHome: home,
    cwd: process.cwd(),
    overrides: parseOverrides({ config: options.config ?? [] }),
    flags: {},
  });
  for (const warning of loaded.warnings) writeWarning(warning);
  return loaded;
}

/** One JSON document on standard output. */
export function printJson(value: unknown): void {
  writeStdout(`${JSON.stringify(value, null, 2)}\n`);
}
