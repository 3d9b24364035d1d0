import { join } from "node:path";
import type { LoadedConfig } from "./load.ts";

/**
 * The folders whose `*.rules` files apply, from the system's over the user's to those of the project, nearest last.
 * A project's folder counts only when its layer does, whether or not it holds a config.toml: what a project may
 * configure and what it may allow are one trust decision. The user's rules hold without the user's config.toml too.
 */
export function ruleFolders({ layers, codexHome }: Pick<LoadedConfig, "layers" | "codexHome">): string[] {
  const used = layers.filter(({ disabledReason }) => disabledReason === null);
  const foldersOf = (names: readonly string[]) =>
    used.flatMap(({ name, folder }) => (folder !== null && names.includes(name) ? [folder] : []));
  const folders = [...foldersOf(["system", "managed"]), codexHome, ...foldersOf(["project"])];
  return [...new Set(folders)].map((folder) => join(folder, "rules"));
}
