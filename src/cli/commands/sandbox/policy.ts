import { statSync } from "node:fs";
import { resolve } from "node:path";
import { loadDotenv } from "#config/dotenv.ts";
import { loadConfig } from "#config/load.ts";
import { resolveSettings, type Settings } from "#config/resolve.ts";
import { environment } from "#lib/env.ts";
import { CodexError, osErrorText } from "#lib/errors.ts";
import { codexHome } from "#lib/home.ts";
import { childEnvironment } from "#process/env-policy.ts";
import { credentialNames } from "#runtime/credential-names.ts";
import type { SessionNetwork } from "#runtime/session-network.ts";
import type { SandboxContext } from "#sandbox/sandbox.ts";
import { parseOverrides } from "../../overrides.ts";
import type { SandboxCliOptions } from "./options.ts";

/** What a command of `codex sandbox` runs with. */
export interface SandboxRun {
  cwd: string;
  env: Record<string, string>;
  context: SandboxContext;
  /** Undefined where [network] is off. */
  network: SessionNetwork | undefined;
  /** `features.use_legacy_landlock`. */
  legacyLandlock: boolean;
  warnings: readonly string[];
}

/**
 * Reads the configuration with the command line on top. Without any `sandbox_mode` the policy is read-only,
 * whether or not the folder is trusted: as in Codex CLI, more is given only where it is asked for.
 */
export async function resolveRun(options: SandboxCliOptions): Promise<SandboxRun> {
  const home = codexHome();
  const cwd = existingFolder(resolve(options.cd ?? "."));
  loadDotenv(home);
  const mode = options.sandbox ?? (options.fullAuto === true ? "workspace-write" : undefined);
  const loaded = await loadConfig({
    codexHome: home,
    cwd,
    overrides: parseOverrides({
      config: options.config ?? [],
      enable: options.enable ?? [],
      disable: options.disable ?? [],
    }),
    flags: mode === undefined ? {} : { sandbox_mode: mode },
  });
  const settings = resolveSettings(loaded, {
    additionalWritableRoots: (options.addDir ?? []).map((folder) => resolve(cwd, folder)),
  });
  const env = environment();
  const policy = loaded.config.sandbox_mode === undefined ? { type: "read-only" as const } : settings.sandboxPolicy;
  const network = await configuredNetwork(settings, home);
  return {
    cwd,
    env: commandEnvironment(env, settings),
    context: { policy, sessionCwd: cwd, tmpdir: env.TMPDIR, codexHome: home, network: network?.proxied },
    network,
    legacyLandlock: settings.features.use_legacy_landlock,
    warnings: [...loaded.warnings, ...settings.warnings],
  };
}

/** Nothing of the proxy is loaded where [network] is off. */
async function configuredNetwork({ network }: Settings, home: string): Promise<SessionNetwork | undefined> {
  if (!network.enabled) return undefined;
  return (await import("#runtime/session-network.ts")).sessionNetwork(network, home);
}

/** The environment `shell_environment_policy` leaves, with the terminal's own variables as the user has them. */
function commandEnvironment(env: Record<string, string>, settings: Settings): Record<string, string> {
  const { useProfile: _, ...policy } = settings.shellEnvironment;
  const options = { policy, threadId: "", pathPrefix: undefined, credentialNames: credentialNames(settings) };
  const kept = childEnvironment(env, options);
  return Object.fromEntries(
    Object.keys(kept).flatMap((name) => {
      const value = policy.set[name] ?? env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function existingFolder(cwd: string): string {
  try {
    if (!statSync(cwd).isDirectory()) throw new CodexError("cwd", `Not a directory (os error 20): "${cwd}"`);
    return cwd;
  } catch (error) {
    if (error instanceof CodexError) throw error;
    throw new CodexError("cwd", `Cannot run a command in "${cwd}": ${osErrorText(error)}`, { cause: error });
  }
}
