import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type LoadConfigOptions, type LoadedConfig, loadConfig } from "#config/load.ts";
import { type ResolveOptions, resolveSettings, type Settings } from "#config/resolve.ts";
import { messageOf } from "#lib/errors.ts";

/** Real folders for one test: a home, a project in a repository, and system-wide settings. */
export interface ConfigFixture extends Disposable {
  root: string;
  codexHome: string;
  systemFolder: string;
  /** Has a `.git` folder. */
  project: string;
  /** Writes a file, its folders included; the path is relative to `root`. Returns the absolute path. */
  write(path: string, text: string | Uint8Array): string;
  load(options?: Partial<LoadConfigOptions>): Promise<LoadedConfig>;
  /** The message of the error that loading must throw. */
  loadError(options?: Partial<LoadConfigOptions>): Promise<string>;
}

export function configFixture(): ConfigFixture {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "codex-config-")));
  const codexHome = join(root, "home");
  const systemFolder = join(root, "etc");
  const project = join(root, "project");
  for (const folder of [codexHome, systemFolder, join(project, ".git")]) mkdirSync(folder, { recursive: true });
  const load = (options: Partial<LoadConfigOptions> = {}) =>
    loadConfig({ codexHome, systemFolder, cwd: project, ...options });
  return {
    root,
    codexHome,
    systemFolder,
    project,
    write: (path, text) => {
      const file = join(root, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      return file;
    },
    load,
    loadError: async (options) => {
      try {
        await load(options);
      } catch (error) {
        return messageOf(error);
      }
      throw new Error("loading did not fail");
    },
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Settings of a `config.toml` with this text, PROJECT standing for the project's folder, in an empty environment. */
export async function settingsOf(toml: string, options: ResolveOptions = {}): Promise<Settings> {
  using fixture = configFixture();
  fixture.write("home/config.toml", toml.replaceAll("PROJECT", fixture.project));
  return resolveSettings(await fixture.load(), { env: {}, ...options });
}
