import { lstatSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "#lib/errors.ts";
import type { ConfigLayer } from "./layers.ts";
import { isTable, type TomlTable } from "./toml-table.ts";

/** A place that configures hooks. */
export interface HookSource {
  /** The file, or null for the command line. */
  file: string | null;
  /** The value of the `hooks` key of a config.toml, or null for a hooks.json, which is not read yet. */
  table: TomlTable[string] | null;
  /** Whether a project brought it along: then each of its hooks needs the user's approval. */
  isProject: boolean;
}

/**
 * The `hooks` tables and hooks.json files of the layers in use, from the lowest to the highest. Hooks of all layers
 * run, so a nearer one cannot switch off the user's or the system's. None where `features.hooks` is false.
 */
export function hookSources(layers: readonly ConfigLayer[]): HookSource[] {
  const used = layers.filter(({ disabledReason }) => disabledReason === null);
  if (areOff(used)) return [];
  const folders = new Set<string>();
  return used.flatMap((layer) => {
    const isProject = layer.name === "project";
    const sources: HookSource[] = [];
    const table = layer.table.hooks;
    if (table !== undefined && layer.keyPrefix.length === 0) sources.push({ file: layer.file, table, isProject });
    const { folder } = layer;
    if (folder === null || folders.has(folder)) return sources;
    folders.add(folder);
    const json = join(folder, "hooks.json");
    return isThere(json) ? [...sources, { file: json, table: null, isProject }] : sources;
  });
}

/** For people who wonder: the folders of projects that bring hooks and are not trusted, and why not. */
export function unusedHooks(layers: readonly ConfigLayer[]): string[] {
  return layers.flatMap(({ name, folder, table, disabledReason }) => {
    if (name !== "project" || folder === null || disabledReason === null) return [];
    const hasHooks = table.hooks !== undefined || isThere(join(folder, "hooks.json"));
    return hasHooks ? [`The hooks of "${folder}" are not used: ${disabledReason}`] : [];
  });
}

/** Also a link to nothing and a file nobody may look at: reading it fails then, and a guard does not vanish unseen. */
function isThere(file: string): boolean {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    return errnoOf(error) !== "ENOTDIR";
  }
}

/** A project's say does not count: it would switch off what guards against it. */
function areOff(layers: readonly ConfigLayer[]): boolean {
  const flags = layers.flatMap(({ name, keyPrefix, table: { features } }) => {
    const flag = name === "project" || keyPrefix.length > 0 || !isTable(features) ? undefined : features.hooks;
    return typeof flag === "boolean" ? [flag] : [];
  });
  return flags.at(-1) === false;
}
