import { statSync } from "node:fs";
import { jsonOverrides } from "#config/json-overrides.ts";
import { type ConfigFlags, loadConfig } from "#config/load.ts";
import type { ConfigOverride } from "#config/override-values.ts";
import { resolveSettings, type Settings } from "#config/resolve.ts";
import { CodexError, messageOf, osErrorText } from "#lib/errors.ts";
import type { CodexArguments } from "./tool-arguments.ts";

/** The configuration of one session. */
export interface SessionConfig {
  settings: Settings;
  warnings: readonly string[];
}

/**
 * Reads every configuration layer for the session's folder, with the server's own command line, then the call's
 * `config`, then its other arguments on top. Throws a CodexError with the text the call is answered with.
 */
export async function sessionConfig(session: {
  codexHome: string;
  /** Absolute. */
  cwd: string;
  overrides: readonly ConfigOverride[];
  args: CodexArguments;
}): Promise<SessionConfig> {
  const { codexHome, cwd, overrides, args } = session;
  requireFolder(cwd);
  try {
    const loaded = await loadConfig({
      codexHome,
      cwd,
      overrides: [...overrides, ...jsonOverrides(args.config)],
      flags: flagsOf(args),
      ...(args.profile === undefined ? {} : { profile: args.profile }),
    });
    const settings = resolveSettings(loaded);
    if (args.baseInstructions !== undefined) settings.baseInstructions = args.baseInstructions;
    return { settings, warnings: [...loaded.warnings, ...settings.warnings] };
  } catch (error) {
    if (!(error instanceof CodexError)) throw error;
    const why = messageOf(error).replace(/^Error loading config\.toml: /, "");
    throw new CodexError(error.code, `Failed to load Codex configuration from overrides: ${why}`, { cause: error });
  }
}

function flagsOf(args: CodexArguments): ConfigFlags {
  return {
    model: args.model,
    approval_policy: args.approvalPolicy,
    sandbox_mode: args.sandbox,
    developer_instructions: args.developerInstructions,
    compact_prompt: args.compactPrompt,
  };
}

function requireFolder(cwd: string): void {
  let problem = "Not a directory (os error 20)";
  try {
    if (statSync(cwd).isDirectory()) return;
  } catch (error) {
    problem = osErrorText(error);
  }
  throw new CodexError("cwd", `Cannot start a session in "${cwd}": ${problem}. Give an existing folder as cwd`);
}
