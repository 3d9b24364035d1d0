import {
  anything,
  either,
  flag,
  type Infer,
  integer,
  listOf,
  mapOf,
  oneOf,
  optional,
  path,
  required,
  section,
  table,
  text,
  textList,
  withDefault,
} from "./kinds.ts";
import { MCP_FIELDS, MCP_SERVER } from "./schema/mcp.ts";
import { MEMORIES_FIELDS } from "./schema/memories.ts";
import { MODEL_FIELDS, MODEL_PROFILE_FIELDS, MODEL_PROVIDER } from "./schema/model.ts";
import { NETWORK_FIELDS } from "./schema/network.ts";
import { OTEL_FIELDS } from "./schema/otel.ts";
import { PERMISSION_FIELDS, PERMISSION_PROFILE_FIELDS, PROJECT } from "./schema/permissions.ts";
import { COMMON_PROFILE_FIELDS, PROFILE } from "./schema/profile.ts";
import { APP_FIELDS, TUI_FIELDS } from "./schema/tui.ts";

const skillSwitch = table(
  {
    path: optional(path, "The skill's SKILL.md"),
    name: optional(text, "Its name, instead of the path", { since: "0.169" }),
    enabled: required(flag, "Whether it is offered"),
  },
  {
    check: (entry) => (entry.path === undefined && entry.name === undefined ? "missing field `path`" : undefined),
  },
);

const webSearchTool = table(
  {
    context_size: optional(oneOf(["low", "medium", "high"]), "How much is read", { unused: "not sent yet" }),
    allowed_domains: optional(textList, "Sites that may be searched", { unused: "not sent yet" }),
    location: optional(anything, "Where the user is", { unused: "not sent yet" }),
  },
  { rest: anything },
);

/** The whole of config.toml: every key of Codex CLI 0.101, those of later versions that are honoured, and ours. */
export const CONFIG_SCHEMA = table({
  ...MODEL_PROFILE_FIELDS,
  ...MODEL_FIELDS,
  model_providers: withDefault(mapOf(MODEL_PROVIDER, "id"), {}, "Providers of your own; a built-in id is ignored"),
  ...PERMISSION_PROFILE_FIELDS,
  ...PERMISSION_FIELDS,
  projects: withDefault(mapOf(PROJECT, "absolute path"), {}, "Trust decisions"),
  project_doc_max_bytes: withDefault(integer("usize"), 32_768, "Bytes of AGENTS.md files in all; 0 means none"),
  project_doc_fallback_filenames: withDefault(textList, [], "Names to look for where there is no AGENTS.md"),
  project_root_markers: withDefault(textList, [".git"], "Files that mark a project's root; empty: the working folder"),
  profile: optional(text, "Profile to use when --profile is not given"),
  profiles: withDefault(mapOf(PROFILE, "name"), {}, "Named sets of settings"),
  ...COMMON_PROFILE_FIELDS,
  tools: section(
    {
      web_search: optional(either(flag, webSearchTool, "a boolean"), "Former way to switch web search on"),
      web_search_request: optional(flag, "The same under its older name"),
      view_image: withDefault(flag, true, "Offer the view_image tool"),
    },
    "Tools offered to the model",
  ),
  tool_output_token_limit: optional(integer("usize"), "Tokens of one tool output kept in history", {
    defaultText: "of the model",
  }),
  suppress_unstable_features_warning: withDefault(flag, false, "Do not warn about features under development"),
  use_linux_sandbox_bwrap: optional(flag, "Former place of features.use_linux_sandbox_bwrap"),
  mcp_servers: withDefault(mapOf(MCP_SERVER, "name"), {}, "MCP servers"),
  ...MCP_FIELDS,
  agents: section(
    {
      max_threads: withDefault(integer("usize", { min: 1 }), 6, "Sub-agents at the same time"),
      max_depth: optional(anything, "How deep sub-agents may start sub-agents", {
        since: "0.169",
        unused: "the depth is 1",
      }),
    },
    "Sub-agents",
  ),
  skills: section(
    {
      config: withDefault(listOf(skillSwitch), [], "Skills switched on or off"),
      bundled: optional(table({ enabled: optional(flag, "Whether they are offered") }), "The skills that come along", {
        since: "0.169",
      }),
    },
    "Skills",
  ),
  apps: withDefault(mapOf(table(APP_FIELDS), "id"), {}, "Connectors"),
  hooks: optional(anything, "Programs run at events of a session; see hooks.md. Those of all files run", {
    since: "0.169",
  }),
  notify: optional(textList, "Program and arguments run after each turn, with one JSON argument added"),
  ...TUI_FIELDS,
  ...OTEL_FIELDS,
  ...MEMORIES_FIELDS,
  log_dir: optional(path, "Folder of log files", { defaultText: "$CODEX_HOME/log" }),
  cli_auth_credentials_store: withDefault(
    oneOf(["file", "keyring", "auto", "ephemeral"]),
    "file",
    "Where the login is kept",
  ),
  forced_login_method: optional(oneOf(["chatgpt", "api"]), "The only way to log in"),
  forced_chatgpt_workspace_id: optional(either(text, textList, "a string"), "The only workspace to log in to"),
  ghost_snapshot: section(
    {
      disable_warnings: withDefault(flag, false, "Do not warn about what a snapshot leaves out"),
      ignore_large_untracked_files: withDefault(
        integer("i64"),
        10_485_760,
        "Untracked files above this many bytes are left out; 0 or less: no limit",
      ),
      ignore_large_untracked_dirs: withDefault(
        integer("i64"),
        200,
        "Folders with more untracked files are left out; 0 or less: no limit",
      ),
    },
    "Snapshots for undo",
  ),
  feedback: section({ enabled: withDefault(flag, true, "Offer the feedback command") }, "Feedback"),
  ...NETWORK_FIELDS,
});

/** A validated configuration with its defaults, named as in config.toml. */
export interface Config extends Infer<typeof CONFIG_SCHEMA> {}
