import { resolve } from "node:path";
import { loadDotenv } from "#config/dotenv.ts";
import { type ConfigFlags, type LoadConfigOptions, type LoadedConfig, loadConfig } from "#config/load.ts";
import { resolveSettings, type Settings } from "#config/resolve.ts";
import { CodexError } from "#lib/errors.ts";
import type { ExecCliOptions } from "./exec-options.ts";
import { parseOverrides } from "./overrides.ts";

/** The configuration of one headless run. */
export interface ExecConfig {
  loaded: LoadedConfig;
  settings: Settings;
  /** For standard error. */
  warnings: readonly string[];
}

/** Reads `$CODEX_HOME/.env` and every configuration layer, with this command line on top. */
export async function loadExecConfig(request: {
  codexHome: string;
  cwd: string;
  options: ExecCliOptions;
}): Promise<ExecConfig> {
  const { codexHome, cwd, options } = request;
  loadDotenv(codexHome);
  const base: LoadConfigOptions = {
    codexHome,
    cwd,
    overrides: parseOverrides({
      config: options.config ?? [],
      enable: options.enable ?? [],
      disable: options.disable ?? [],
    }),
    strict: options.strictConfig === true,
    ignoreUserConfig: options.ignoreUserConfig === true,
    ...(options.profile === undefined ? {} : { profile: options.profile }),
  };
  const flags = execFlags(options);
  const first = await loadConfig({ ...base, flags });
  const local = localFlags(options, first.config.oss_provider);
  const loaded = local === undefined ? first : await loadConfig({ ...base, flags: { ...flags, ...local } });
  const settings = resolveSettings(loaded, {
    additionalWritableRoots: (options.addDir ?? []).map((folder) => resolve(cwd, folder)),
  });
  // A managed file ranks above flags, but nobody is there to be asked whatever it says.
  settings.approvalPolicy = "never";
  return { loaded, settings, warnings: [...loaded.warnings, ...settings.warnings] };
}

/** Whether the user asked for no sandbox at all. */
export function isBypass(options: ExecCliOptions): boolean {
  return options.dangerouslyBypassApprovalsAndSandbox === true || options.yolo === true;
}

function execFlags(options: ExecCliOptions): ConfigFlags {
  return {
    // Nobody is there to be asked.
    approval_policy: "never",
    ...(options.model === undefined ? {} : { model: options.model }),
    ...sandboxFlag(options),
  };
}

function sandboxFlag(options: ExecCliOptions): ConfigFlags {
  if (isBypass(options)) return { sandbox_mode: "danger-full-access" };
  if (options.sandbox !== undefined) return { sandbox_mode: options.sandbox };
  return options.fullAuto === true ? { sandbox_mode: "workspace-write" } : {};
}

const LOCAL_MODELS: Readonly<Record<string, string>> = { ollama: "gpt-oss:20b", lmstudio: "openai/gpt-oss-20b" };

/** The settings of `--oss`: which server, `--local-provider` says, else the configuration. */
function localFlags(options: ExecCliOptions, configured: string | undefined): ConfigFlags | undefined {
  if (options.oss !== true) return undefined;
  const provider = options.localProvider ?? configured ?? "ollama";
  const model = LOCAL_MODELS[provider];
  if (model !== undefined) return { model_provider: provider, model: options.model ?? model };
  const [name, exitCode] = options.localProvider === undefined ? ["oss_provider", 1] : ["--local-provider", 2];
  const message = `${name} is "${provider}", expected one of "ollama", "lmstudio"`;
  throw new CodexError("local_provider", message, { exitCode });
}
