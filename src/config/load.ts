import { join } from "node:path";
import { CodexError } from "#lib/errors.ts";
import { findTomlValue, lineAndColumn } from "#lib/toml-position.ts";
import { type SettingSource, unknownKey, wrongValue } from "./config-error.ts";
import { tomlForm } from "./json-overrides.ts";
import {
  type ConfigLayer,
  commandLineLayer,
  fileLayer,
  mergeLayers,
  profileKey,
  profileLayers,
  projectLayers,
  trustSource,
} from "./layers.ts";
import { type Merged, originOf } from "./merge.ts";
import { type ConfigOverride, overrideTable } from "./override-values.ts";
import { CONFIG_SCHEMA, type Config } from "./schema.ts";
import { emptyTable, keyPath, type TomlTable } from "./toml-table.ts";
import { type TrustLevel, trustLevelOf } from "./trust.ts";
import { type Validation, validate } from "./validate.ts";

export interface LoadConfigOptions {
  /** Absolute. */
  codexHome: string;
  /** Absolute: decides the project layers, trust, and relative paths of the command line. */
  cwd: string;
  /** `--profile`; else the merged `profile` key. */
  profile?: string;
  /** `-c key=value`, `--enable`, `--disable`, in the order given. */
  overrides?: readonly ConfigOverride[];
  /** Options made for one setting (`--model`, `--sandbox` …); they win over `overrides`. */
  flags?: ConfigFlags;
  /** Unknown keys are an error instead of a warning. */
  strict?: boolean;
  /** Leaves out `$CODEX_HOME/config.toml`. */
  ignoreUserConfig?: boolean;
  /** Folder of the system-wide files. */
  systemFolder?: string;
}

/** Settings by their names in config.toml. */
export type ConfigFlags = { readonly [K in keyof Config]?: Config[K] | undefined };

export interface LoadedConfig {
  config: Config;
  /** The layer that gave each configured value, by dotted key; a key that is not here has its default. */
  origins: ReadonlyMap<string, ConfigLayer>;
  /** From the lowest to the highest, disabled ones included. */
  layers: readonly ConfigLayer[];
  /** The decision for `cwd`, which no project file has a part in. */
  trust: TrustLevel | undefined;
  /** Name of the profile in use. */
  profile: string | undefined;
  codexHome: string;
  cwd: string;
  /** For people, on standard error. */
  warnings: readonly string[];
}

/**
 * Reads every layer, merges and checks them. Throws a ConfigError for what cannot be read, parsed or is of the
 * wrong type, and a CodexError for an unknown profile.
 */
export async function loadConfig(options: LoadConfigOptions): Promise<LoadedConfig> {
  const { layers, profile, trust } = await collectLayers(options);
  const merged = mergeLayers(layers);
  const checked = validate(merged.table, CONFIG_SCHEMA);
  if (checked.problem !== undefined) {
    const { path, message } = checked.problem;
    const { source, key } = sourceOf(merged, path);
    throw wrongValue(source, key, message);
  }
  if (options.strict && checked.unknown[0] !== undefined) {
    const { source, key } = sourceOf(merged, checked.unknown[0]);
    throw unknownKey(source, key);
  }
  return {
    config: checked.value as unknown as Config,
    get origins() {
      return merged.origins;
    },
    layers,
    trust,
    profile,
    codexHome: options.codexHome,
    cwd: options.cwd,
    warnings: warningsOf(checked, merged),
  };
}

interface Collected {
  layers: ConfigLayer[];
  profile: string | undefined;
  trust: TrustLevel | undefined;
}

async function collectLayers(options: LoadConfigOptions): Promise<Collected> {
  const { codexHome, cwd } = options;
  const systemFolder = options.systemFolder ?? "/etc/codex";
  const low = [await fileLayer("system", join(systemFolder, "config.toml"), systemFolder)];
  if (!options.ignoreUserConfig) low.push(await fileLayer("user", join(codexHome, "config.toml"), codexHome));
  const high = [
    commandLineLayer("overrides", await overrideTable(options.overrides ?? []), cwd),
    commandLineLayer("flags", definedFlags(options.flags ?? {}), cwd),
    await fileLayer("managed", join(systemFolder, "managed_config.toml"), systemFolder),
  ];
  // A project must not take part in what decides whether it is trusted, so its layers are found first without it.
  const ownProfile = options.profile ?? profileKey([...low, ...high]);
  const own = ownProfile === undefined ? [] : await ownProfileFile(ownProfile, [...low, ...high], codexHome);
  const source = trustSource([...low, ...own, ...high]);
  const project = await projectLayers(cwd, codexHome, source);
  const profile = options.profile ?? profileKey([...low, ...project, ...high]);
  const all = [...low, ...project, ...high];
  const profiles = profile === undefined ? [] : await profileLayers(profile, all, codexHome);
  return { layers: [...low, ...profiles, ...project, ...high], profile, trust: trustLevelOf(cwd, source) };
}

/** The profile's layers as far as they are known before the project's; a missing one may still come from there. */
async function ownProfileFile(name: string, layers: ConfigLayer[], codexHome: string): Promise<ConfigLayer[]> {
  try {
    return await profileLayers(name, layers, codexHome);
  } catch (error) {
    if (error instanceof CodexError && error.code === "profile_not_found") return [];
    throw error;
  }
}

/** The flags that were given, in the form a parsed file would have. */
function definedFlags(flags: ConfigFlags): TomlTable {
  const table = emptyTable();
  for (const [key, value] of Object.entries(flags)) if (value !== undefined) table[key] = tomlForm(value);
  return table;
}

type MergedLayers = Merged<ConfigLayer>;

/** Where a merged value was written, and under which key there. */
function sourceOf(merged: MergedLayers, path: string[]): { source: SettingSource; key: string[] } {
  const layer = originOf(merged.origins, path);
  const key = [...(layer?.keyPrefix ?? []), ...path];
  if (layer === undefined || layer.file === null || layer.text === null) return { source: null, key };
  return { source: { file: layer.file, text: layer.text }, key };
}

/** Finding out where a key was written takes longer the more there are, and nobody reads on. */
const MAX_UNKNOWN_NAMED = 20;

function warningsOf(checked: Validation, merged: MergedLayers): string[] {
  const warnings = [...checked.notes];
  if (checked.unknown.length > 0) {
    const named = checked.unknown.slice(0, MAX_UNKNOWN_NAMED);
    const keys = named.map((path) => `\`${keyPath(path)}\`${placeOf(merged, path)}`);
    const more = checked.unknown.length - named.length;
    warnings.push(`Ignored unknown configuration keys: ${keys.join(", ")}${more > 0 ? ` and ${more} more` : ""}`);
  }
  return warnings;
}

function placeOf(merged: MergedLayers, path: string[]): string {
  const { source, key } = sourceOf(merged, path);
  if (source === null) return "";
  const place = findTomlValue(source.text, key);
  return place === undefined
    ? ` (${source.file})`
    : ` (${source.file}:${lineAndColumn(source.text, place.key.start).line})`;
}
