export type FeatureStage = "stable" | "experimental" | "under development" | "deprecated" | "removed";

export interface FeatureFlag {
  readonly stage: FeatureStage;
  /** Whether it is on when nothing is configured. */
  readonly default: boolean;
  readonly description: string;
}

function stable(on: boolean, description: string): FeatureFlag {
  return { stage: "stable", default: on, description };
}

function off(stage: FeatureStage, description: string): FeatureFlag {
  return { stage, default: false, description };
}

/** Every feature flag of Codex CLI 0.101, in the order its `features list` prints them, then later ones that mean something here. */
export const FEATURES = {
  undo: stable(false, "Snapshot the working tree before each turn so that it can be undone"),
  shell_tool: stable(true, "Offer a shell tool to the model"),
  unified_exec: stable(true, "Use exec_command and write_stdin, with sessions that outlive a call"),
  shell_snapshot: stable(true, "Take the login shell's environment once a session instead of for every command"),
  js_repl: off("under development", "A JavaScript session as a tool"),
  web_search_request: off("deprecated", 'Live web search; use web_search = "live"'),
  web_search_cached: off("deprecated", 'Cached web search; use web_search = "cached"'),
  search_tool: off("removed", "Accepted and ignored"),
  runtime_metrics: off("under development", "Summaries of run-time figures in the terminal"),
  sqlite: off("under development", "Keep the thread index in a database"),
  memory_tool: off("under development", "Learn from past sessions (see the memories table)"),
  child_agents_md: off("under development", "Tell the model about AGENTS.md files in sub-folders"),
  apply_patch_freeform: off("under development", "Offer apply_patch as a freeform tool to every model"),
  use_linux_sandbox_bwrap: off("experimental", "Use bubblewrap for the Linux sandbox; always so here"),
  request_rule: stable(true, "Let the model propose a rule together with an escalation"),
  experimental_windows_sandbox: off("removed", "Accepted and ignored"),
  elevated_windows_sandbox: off("removed", "Accepted and ignored"),
  remote_models: stable(true, "Refresh the model list from the provider"),
  powershell_utf8: off("under development", "Make PowerShell print UTF-8"),
  enable_request_compression: stable(true, "Compress request bodies where the provider takes them"),
  collab: off("experimental", "Sub-agents"),
  apps: off("experimental", "ChatGPT connectors"),
  skill_mcp_dependency_install: stable(true, "Offer to install the MCP servers that a skill needs"),
  skill_env_var_dependency_prompt: off("under development", "Ask for the environment variables that a skill needs"),
  steer: stable(true, "Enter sends at once while a turn runs"),
  collaboration_modes: stable(true, "Plan mode and its siblings"),
  personality: stable(true, "Tone of the model, where it supports one"),
  responses_websockets: off("under development", "Talk to the Responses API over a WebSocket"),
  responses_websockets_v2: off("under development", "The second form of that WebSocket"),
  use_legacy_landlock: off("deprecated", "Landlock instead of bubblewrap, which is weaker; see docs/sandbox.md"),
  hooks: stable(true, "Run hooks; a project cannot switch off those of others; see docs/hooks.md"),
} as const satisfies Record<string, FeatureFlag>;

export type FeatureName = keyof typeof FEATURES;

/** Older names of flags, still accepted wherever a flag is named. */
export const FEATURE_ALIASES: Readonly<Record<string, FeatureName>> = {
  connectors: "apps",
  web_search: "web_search_request",
  include_apply_patch_tool: "apply_patch_freeform",
  experimental_use_freeform_apply_patch: "apply_patch_freeform",
  experimental_use_unified_exec_tool: "unified_exec",
  enable_experimental_windows_sandbox: "experimental_windows_sandbox",
  memories: "memory_tool",
};

/** The flag a name stands for, or undefined when there is no such flag. */
export function featureNamed(name: string): FeatureName | undefined {
  if (Object.hasOwn(FEATURES, name)) return name as FeatureName;
  return Object.hasOwn(FEATURE_ALIASES, name) ? FEATURE_ALIASES[name] : undefined;
}
