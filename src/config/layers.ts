import { basename, join } from "node:path";
import { CodexError } from "#lib/errors.ts";
import { ConfigError } from "./config-error.ts";
import { expandPaths } from "./expand-paths.ts";
import { type Merged, mergeTables } from "./merge.ts";
import { findProjectRoot, foldersUpwards, isDirectory, realPath } from "./project-root.ts";
import { readTomlFile } from "./read-toml.ts";
import { PROFILE_FIELDS } from "./schema/profile.ts";
import { CONFIG_SCHEMA } from "./schema.ts";
import { emptyTable, isTable, type TomlTable, valueAt } from "./toml-table.ts";
import { type TrustSource, trustLevelOf } from "./trust.ts";

/** From the lowest to the highest; `overrides` are `-c key=value`, `flags` the options made for one setting. */
export type LayerName = "system" | "user" | "profile" | "project" | "overrides" | "flags" | "managed";

/** One source of settings. */
export interface ConfigLayer {
  name: LayerName;
  /** Absolute path of the file the settings come from (it need not exist), or null for the command line. */
  file: string | null;
  /** Configuration folder, where rules and skills may lie too; null for layers that are not one. */
  folder: string | null;
  /** Settings with their paths made absolute; empty when there is no file. */
  table: TomlTable;
  /** The file's text, to point at mistakes; null when there is no file. */
  text: string | null;
  /** Where in the file the table stands: `["profiles", NAME]` for a profile's table, else empty. */
  keyPrefix: readonly string[];
  /** Why the layer is not used, or null when it is. */
  disabledReason: string | null;
}

/** Reads the layer of one file: an absent file is an empty layer. */
export async function fileLayer(name: LayerName, file: string, folder: string): Promise<ConfigLayer> {
  const content = await readTomlFile(file);
  const table = content?.table ?? emptyTable();
  expandPaths(table, CONFIG_SCHEMA, folder);
  return { name, file, folder, table, text: content?.text ?? null, keyPrefix: [], disabledReason: null };
}

/** The layer of settings given on the command line; their relative paths belong to `cwd`. */
export function commandLineLayer(name: "overrides" | "flags", table: TomlTable, cwd: string): ConfigLayer {
  expandPaths(table, CONFIG_SCHEMA, cwd);
  return { name, file: null, folder: null, table, text: null, keyPrefix: [], disabledReason: null };
}

/** Merges the layers in use. */
export function mergeLayers(layers: readonly ConfigLayer[]): Merged<ConfigLayer> {
  return mergeTables(inUse(layers).map((layer) => ({ table: layer.table, origin: layer })));
}

function inUse(layers: readonly ConfigLayer[]): ConfigLayer[] {
  return layers.filter((layer) => layer.disabledReason === null);
}

/** The name of the profile the layers ask for: the highest that names one decides. */
export function profileKey(layers: readonly ConfigLayer[]): string | undefined {
  const named = inUse(layers).findLast((layer) => Object.hasOwn(layer.table, "profile"))?.table.profile;
  return typeof named === "string" ? named : undefined;
}

/**
 * The `.codex` folders from the project's root down to `cwd`, nearest last. A folder whose project is not
 * trusted gives a disabled layer, also when it has no config.toml, because rules beside it follow the layer.
 */
export async function projectLayers(cwd: string, codexHome: string, trust: TrustSource): Promise<ConfigLayer[]> {
  const layers: ConfigLayer[] = [];
  const home = realPath(codexHome);
  for (const folder of projectFolders(cwd, trust.projectRootMarkers)) {
    const dotCodex = join(folder, ".codex");
    if (!isDirectory(dotCodex)) continue;
    // ~/.codex seen from the home folder is the user's own configuration; its .codex is nobody's.
    if (realPath(dotCodex) === home || realPath(folder) === home) continue;
    layers.push(await projectLayer(folder, dotCodex, trust));
  }
  return layers;
}

/** From the project's root down to `cwd`; `cwd` alone without a root. */
function projectFolders(cwd: string, markers: readonly string[]): string[] {
  const root = findProjectRoot(cwd, markers) ?? cwd;
  const upwards = foldersUpwards(cwd);
  return upwards.slice(0, upwards.indexOf(root) + 1).reverse();
}

async function projectLayer(folder: string, dotCodex: string, trust: TrustSource): Promise<ConfigLayer> {
  const file = join(dotCodex, "config.toml");
  const level = trustLevelOf(folder, trust);
  if (level === "trusted") return await fileLayer("project", file, dotCodex);
  const reason = level === "untrusted" ? "is marked untrusted" : "has no trust decision";
  const disabledReason = `the folder "${folder}" ${reason}; trust it to use its configuration`;
  try {
    return { ...(await fileLayer("project", file, dotCodex)), disabledReason };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const table = emptyTable();
    return { name: "project", file, folder: dotCodex, table, text: null, keyPrefix: [], disabledReason };
  }
}

/** What decides trust, from layers that no project can write to. */
export function trustSource(layers: readonly ConfigLayer[]): TrustSource {
  // Only these keys are merged: this is ahead of the merge of everything, at every start.
  const relevant = inUse(layers).map(({ table }) => ({ table: picked(table, TRUST_KEYS), origin: null }));
  const { projects, project_root_markers: markers } = mergeTables(relevant).table;
  return {
    projects: isTable(projects) ? projects : undefined,
    projectRootMarkers: Array.isArray(markers) ? markers.filter((marker) => typeof marker === "string") : [".git"],
  };
}

const TRUST_KEYS = ["projects", "project_root_markers"];

function picked(table: TomlTable, keys: readonly string[]): TomlTable {
  const part = emptyTable();
  for (const key of keys) if (table[key] !== undefined) part[key] = table[key];
  return part;
}

/** Keys of a profile that the top level has under another name. */
const PROFILE_KEYS: Readonly<Record<string, readonly string[]>> = {
  include_apply_patch_tool: ["features", "apply_patch_freeform"],
  tools_web_search: ["tools", "web_search"],
  tools_view_image: ["tools", "view_image"],
};

/**
 * The layers of a profile: its `[profiles.NAME]` table in each of the given layers, then the file
 * `$CODEX_HOME/NAME.config.toml`. Throws when there is neither.
 */
export async function profileLayers(
  name: string,
  layers: readonly ConfigLayer[],
  codexHome: string,
): Promise<ConfigLayer[]> {
  const found: ConfigLayer[] = [];
  for (const layer of layers) {
    const table = layer.disabledReason === null ? valueAt(layer.table, ["profiles", name]) : undefined;
    if (isTable(table)) {
      found.push({ ...layer, name: "profile", table: topLevelForm(table), keyPrefix: ["profiles", name] });
    }
  }
  const file = name !== "" && basename(name) === name ? join(codexHome, `${name}.config.toml`) : undefined;
  const ownFile = file === undefined ? undefined : await fileLayer("profile", file, codexHome);
  if (ownFile !== undefined && ownFile.text !== null) found.push(ownFile);
  if (found.length === 0) throw profileNotFound(name);
  return found;
}

function profileNotFound(name: string): CodexError {
  return new CodexError("profile_not_found", `config profile \`${name}\` not found`);
}

function topLevelForm(profile: TomlTable): TomlTable {
  const known = Object.entries(profile).filter(([key]) => Object.hasOwn(PROFILE_FIELDS, key));
  const renamed = known.map(([key, value]) => {
    const path = Object.hasOwn(PROFILE_KEYS, key) ? PROFILE_KEYS[key] : undefined;
    const table = emptyTable();
    const [first = key, second] = path ?? [key];
    table[first] = second === undefined ? value : { [second]: value };
    return { table, origin: null };
  });
  return mergeTables(renamed).table;
}
