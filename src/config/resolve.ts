import { join } from "node:path";
import type { Env } from "#lib/env.ts";
import type {
  ApprovalPolicy,
  Personality,
  ReasoningEffort,
  ReasoningSummary,
  SandboxMode,
  SandboxPolicy,
  Verbosity,
  WebSearchMode,
} from "#protocol/policies.ts";
import { FEATURE_ALIASES, FEATURES, type FeatureName } from "./features.ts";
import { type HookSource, hookSources } from "./hook-sources.ts";
import type { LoadedConfig } from "./load.ts";
import { type McpServerSettings, mcpServers } from "./mcp-servers.ts";
import { type MemorySettings, memorySettings } from "./memory-settings.ts";
import { type NetworkSettings, networkSettings } from "./network-settings.ts";
import { readPromptFile } from "./prompt-file.ts";
import { DEFAULT_PROVIDER, type ProviderConfig, providerTable, selectProvider } from "./providers.ts";
import { ruleFolders } from "./rule-folders.ts";
import type { Config } from "./schema.ts";
import type { TrustLevel } from "./trust.ts";

/** The model when nothing names one. */
export const DEFAULT_MODEL = "gpt-5.2-codex";

/** Environment of commands; patterns are case-insensitive with `*` and `?`. */
export interface ShellEnvironmentPolicy {
  inherit: "all" | "core" | "none";
  /** True keeps names with KEY, SECRET or TOKEN. */
  ignoreDefaultExcludes: boolean;
  exclude: readonly string[];
  set: Readonly<Record<string, string>>;
  includeOnly: readonly string[];
  useProfile: boolean;
}

/** What the configuration leaves of the ways to log in to OpenAI; undefined is no limit. */
export interface ForcedLogin {
  /** `forced_login_method` */
  method: "chatgpt" | "api" | undefined;
  /** `forced_chatgpt_workspace_id` */
  workspaceIds: readonly string[] | undefined;
}

/** What a session is started with: the configuration with everything that depends on something else decided. */
export interface Settings {
  model: string;
  reviewModel: string | undefined;
  provider: ProviderConfig;
  providers: Readonly<Record<string, ProviderConfig>>;
  /** Undefined: the model's own. */
  reasoningEffort: ReasoningEffort | undefined;
  reasoningSummary: ReasoningSummary;
  verbosity: Verbosity | undefined;
  personality: Personality;
  /** Tokens; undefined: the model's own. */
  contextWindow: number | undefined;
  /** Tokens, as configured; see `autoCompactLimit`. */
  autoCompactTokenLimit: number | undefined;
  supportsReasoningSummaries: boolean | undefined;
  /** Text that replaces the base instructions. */
  baseInstructions: string | undefined;
  developerInstructions: string | undefined;
  compactPrompt: string | undefined;
  approvalPolicy: ApprovalPolicy;
  sandboxPolicy: SandboxPolicy;
  trust: TrustLevel | undefined;
  /** Folders whose rules files apply, in their order; they need not exist. */
  ruleFolders: readonly string[];
  webSearch: WebSearchMode;
  viewImageTool: boolean;
  features: Readonly<Record<FeatureName, boolean>>;
  forcedLogin: ForcedLogin;
  suppressUnstableFeaturesWarning: boolean;
  toolOutputTokenLimit: number | undefined;
  projectDoc: { maxBytes: number; fallbackFilenames: readonly string[]; rootMarkers: readonly string[] };
  shellEnvironment: ShellEnvironmentPolicy;
  mcpServers: readonly McpServerSettings[];
  memories: MemorySettings;
  network: NetworkSettings;
  /** Program and arguments; undefined when there is none. */
  notify: readonly string[] | undefined;
  /** Where hooks are configured; empty when nowhere. */
  hookSources: readonly HookSource[];
  hideAgentReasoning: boolean;
  showRawAgentReasoning: boolean;
  chatgptBaseUrl: string;
  logDir: string;
  /** For people, on standard error. */
  warnings: readonly string[];
}

export interface ResolveOptions {
  /** `--add-dir`: absolute folders that are writable besides the configured ones. */
  additionalWritableRoots?: readonly string[];
  /** The process environment unless given. */
  env?: Env;
}

/**
 * Decides what the configuration leaves open. Reads the files it names (instructions, compact prompt). Throws a
 * CodexError for an unknown provider and for such a file that is missing or empty.
 */
export function resolveSettings(loaded: LoadedConfig, options: ResolveOptions = {}): Settings {
  const { config, trust } = loaded;
  const { providers, warnings } = providerTable(config, options.env);
  const provider = selectProvider(providers, config.model_provider ?? DEFAULT_PROVIDER);
  const sandboxPolicy = sandboxPolicyOf(config, trust, options.additionalWritableRoots ?? []);
  const features = featuresOf(config);
  return {
    ...modelSettings(config),
    provider,
    providers,
    ...promptSettings(config),
    approvalPolicy: approvalPolicyOf(config, trust, warnings),
    sandboxPolicy,
    trust,
    ruleFolders: ruleFolders(loaded),
    webSearch: webSearchOf(config, features, sandboxPolicy),
    viewImageTool: config.tools.view_image,
    features,
    forcedLogin: forcedLoginOf(config),
    suppressUnstableFeaturesWarning: config.suppress_unstable_features_warning,
    toolOutputTokenLimit: config.tool_output_token_limit,
    projectDoc: {
      maxBytes: config.project_doc_max_bytes,
      fallbackFilenames: config.project_doc_fallback_filenames.map((name) => name.trim()).filter((name) => name !== ""),
      rootMarkers: config.project_root_markers,
    },
    shellEnvironment: shellEnvironmentOf(config),
    mcpServers: mcpServers(config),
    memories: memorySettings(config),
    network: networkSettings(config, warnings),
    notify: config.notify === undefined || config.notify.length === 0 ? undefined : config.notify,
    hookSources: hookSources(loaded.layers),
    hideAgentReasoning: config.hide_agent_reasoning,
    showRawAgentReasoning: config.show_raw_agent_reasoning,
    chatgptBaseUrl: config.chatgpt_base_url ?? "https://chatgpt.com/backend-api/",
    logDir: config.log_dir ?? join(loaded.codexHome, "log"),
    warnings,
  };
}

/** Tokens of history at which it is compacted: the setting, but never above 90 % of the window. */
export function autoCompactLimit(setting: number | undefined, contextWindow: number | null): number | undefined {
  const ofWindow = contextWindow === null ? undefined : Math.floor((contextWindow * 9) / 10);
  if (setting === undefined || ofWindow === undefined) return setting ?? ofWindow;
  return Math.min(setting, ofWindow);
}

function forcedLoginOf({ forced_login_method, forced_chatgpt_workspace_id: ids }: Config): ForcedLogin {
  return { method: forced_login_method, workspaceIds: typeof ids === "string" ? [ids] : ids };
}

function modelSettings(config: Config) {
  return {
    model: config.model || DEFAULT_MODEL,
    reviewModel: config.review_model || undefined,
    reasoningEffort: config.model_reasoning_effort,
    reasoningSummary: config.model_reasoning_summary ?? "auto",
    verbosity: config.model_verbosity,
    personality: config.personality ?? "pragmatic",
    contextWindow: config.model_context_window,
    autoCompactTokenLimit: config.model_auto_compact_token_limit,
    supportsReasoningSummaries: config.model_supports_reasoning_summaries,
  } as const;
}

function promptSettings(config: Config) {
  const fromFile = readPromptFile(config.experimental_compact_prompt_file, "experimental compact prompt file");
  return {
    baseInstructions: readPromptFile(config.model_instructions_file, "model instructions file"),
    developerInstructions: config.developer_instructions || undefined,
    compactPrompt: config.compact_prompt?.trim() || fromFile,
  };
}

function approvalPolicyOf(config: Config, trust: TrustLevel | undefined, warnings: string[]): ApprovalPolicy {
  const policy = config.approval_policy;
  if (policy === undefined) return trust === "untrusted" ? "untrusted" : "on-request";
  if (typeof policy === "string") return policy;
  warnings.push('approval_policy = { granular = … } is not supported; "on-request" is used instead');
  return "on-request";
}

function sandboxPolicyOf(config: Config, trust: TrustLevel | undefined, addedRoots: readonly string[]): SandboxPolicy {
  const mode: SandboxMode = config.sandbox_mode ?? (trust === undefined ? "read-only" : "workspace-write");
  if (mode !== "workspace-write") return { type: mode };
  const details = config.sandbox_workspace_write;
  const roots = [...new Set([...details.writable_roots, ...addedRoots])];
  return {
    type: "workspace-write",
    ...(roots.length > 0 ? { writable_roots: roots } : {}),
    network_access: details.network_access,
    exclude_tmpdir_env_var: details.exclude_tmpdir_env_var,
    exclude_slash_tmp: details.exclude_slash_tmp,
    ...(details.allow_loopback ? { allow_loopback: true } : {}),
    ...(details.deny_read.length > 0 ? { deny_read: details.deny_read } : {}),
  };
}

function featuresOf(config: Config): Record<FeatureName, boolean> {
  const features = Object.fromEntries(Object.entries(FEATURES).map(([name, flag]) => [name, flag.default])) as Record<
    FeatureName,
    boolean
  >;
  const set = (name: FeatureName, value: unknown) => {
    if (typeof value === "boolean") features[name] = value;
  };
  set("unified_exec", config.experimental_use_unified_exec_tool);
  set("apply_patch_freeform", config.experimental_use_freeform_apply_patch);
  set("use_linux_sandbox_bwrap", config.use_linux_sandbox_bwrap);
  set("web_search_request", config.tools.web_search_request ?? config.tools.web_search);
  const flags = config.features ?? {};
  for (const [alias, name] of Object.entries(FEATURE_ALIASES)) set(name, flags[alias]);
  for (const name of Object.keys(FEATURES) as FeatureName[]) set(name, flags[name]);
  return features;
}

/** Under full access a search may as well be live; only "disabled" stays what it is. */
function webSearchOf(
  config: Config,
  features: Readonly<Record<FeatureName, boolean>>,
  sandbox: SandboxPolicy,
): WebSearchMode {
  const mode = config.web_search ?? webSearchOfFeatures(features);
  return sandbox.type === "danger-full-access" && mode !== "disabled" ? "live" : mode;
}

function webSearchOfFeatures(features: Readonly<Record<FeatureName, boolean>>): WebSearchMode {
  return features.web_search_request && !features.web_search_cached ? "live" : "cached";
}

function shellEnvironmentOf(config: Config): ShellEnvironmentPolicy {
  const policy = config.shell_environment_policy;
  return {
    inherit: policy.inherit,
    ignoreDefaultExcludes: policy.ignore_default_excludes,
    exclude: policy.exclude,
    set: policy.set,
    includeOnly: policy.include_only,
    useProfile: policy.experimental_use_profile,
  };
}
