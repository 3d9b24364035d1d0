import { describe, expect, test } from "bun:test";
import type { Fields, SchemaNode } from "#config/kinds.ts";
import { CONFIG_SCHEMA } from "#config/schema.ts";
import { configJsonSchema, configKeyTables, withKeyTables } from "../../scripts/generate-schemas.ts";

/** Every key that release 0.101.0 reads; `*` stands for a name that the user chooses. */
const RELEASE_KEYS = `
model model_provider model_providers.* model_reasoning_effort model_reasoning_summary model_verbosity
model_context_window model_auto_compact_token_limit model_supports_reasoning_summaries model_instructions_file
experimental_instructions_file developer_instructions instructions compact_prompt experimental_compact_prompt_file
review_model personality approval_policy sandbox_mode sandbox_workspace_write.writable_roots
sandbox_workspace_write.network_access sandbox_workspace_write.exclude_tmpdir_env_var
sandbox_workspace_write.exclude_slash_tmp shell_environment_policy.inherit shell_environment_policy.exclude
shell_environment_policy.include_only shell_environment_policy.set shell_environment_policy.ignore_default_excludes
shell_environment_policy.experimental_use_profile mcp_servers.*.command mcp_servers.*.args mcp_servers.*.env
mcp_servers.*.env_vars mcp_servers.*.cwd mcp_servers.*.url mcp_servers.*.bearer_token_env_var
mcp_servers.*.http_headers mcp_servers.*.env_http_headers mcp_servers.*.enabled mcp_servers.*.required
mcp_servers.*.startup_timeout_sec mcp_servers.*.startup_timeout_ms mcp_servers.*.tool_timeout_sec
mcp_servers.*.enabled_tools mcp_servers.*.disabled_tools mcp_servers.*.scopes mcp_oauth_credentials_store
mcp_oauth_callback_port project_doc_max_bytes project_doc_fallback_filenames project_root_markers
projects.*.trust_level profile tool_output_token_limit web_search tools.web_search tools.web_search_request
tools.view_image features suppress_unstable_features_warning notify tui.notifications tui.notification_method
tui.animations tui.show_tooltips tui.alternate_screen tui.status_line tui.experimental_mode history.persistence
history.max_bytes file_opener hide_agent_reasoning show_raw_agent_reasoning check_for_update_on_startup
disable_paste_burst log_dir oss_provider cli_auth_credentials_store forced_login_method forced_chatgpt_workspace_id
chatgpt_base_url agents.max_threads skills.config apps.*.enabled apps.*.disabled_reason otel.exporter
otel.trace_exporter otel.metrics_exporter otel.log_user_prompt otel.environment ghost_snapshot.disable_warnings
ghost_snapshot.ignore_large_untracked_files ghost_snapshot.ignore_large_untracked_dirs analytics.enabled
feedback.enabled js_repl_node_path notice.hide_full_access_warning notice.hide_world_writable_warning
notice.hide_rate_limit_model_nudge notice.hide_gpt5_1_migration_prompt
notice.hide_gpt-5.1-codex-max_migration_prompt notice.model_migrations windows.sandbox
windows_wsl_setup_acknowledged experimental_use_unified_exec_tool experimental_use_freeform_apply_patch network
model_providers.*.name model_providers.*.base_url model_providers.*.env_key model_providers.*.env_key_instructions
model_providers.*.experimental_bearer_token model_providers.*.wire_api model_providers.*.query_params
model_providers.*.http_headers model_providers.*.env_http_headers model_providers.*.request_max_retries
model_providers.*.stream_max_retries model_providers.*.stream_idle_timeout_ms
model_providers.*.requires_openai_auth model_providers.*.supports_websockets
profiles.*.model profiles.*.model_provider profiles.*.approval_policy profiles.*.sandbox_mode
profiles.*.model_reasoning_effort profiles.*.model_reasoning_summary profiles.*.model_verbosity
profiles.*.personality profiles.*.chatgpt_base_url profiles.*.model_instructions_file profiles.*.js_repl_node_path
profiles.*.experimental_instructions_file profiles.*.experimental_compact_prompt_file
profiles.*.include_apply_patch_tool profiles.*.experimental_use_unified_exec_tool
profiles.*.experimental_use_freeform_apply_patch profiles.*.tools_web_search profiles.*.tools_view_image
profiles.*.web_search profiles.*.analytics profiles.*.windows profiles.*.features profiles.*.oss_provider
`
  .trim()
  .split(/\s+/);

function knownKeys(node: SchemaNode, prefix: string): string[] {
  if (node.kind === "map") return [`${prefix}*`, ...knownKeys(node.values, `${prefix}*.`)];
  if (node.kind !== "table") return [];
  return fieldKeys(node.fields, prefix);
}

function fieldKeys(fields: Fields, prefix: string): string[] {
  return Object.entries(fields).flatMap(([key, { schema }]) => [
    prefix + key,
    ...knownKeys(schema, `${prefix}${key}.`),
  ]);
}

describe("the schema", () => {
  const known = new Set(knownKeys(CONFIG_SCHEMA, ""));

  test.each(RELEASE_KEYS)("has %s", (key) => {
    expect(known.has(key)).toBe(true);
  });

  test("describes every key in one line", () => {
    const fields = CONFIG_SCHEMA.kind === "table" ? Object.values(CONFIG_SCHEMA.fields) : [];
    for (const { description } of fields) expect(description).toMatch(/^[^\n]+[^.\n]$/);
  });
});

describe("what is generated from it", () => {
  test("config.schema.json is fresh", async () => {
    const file = Bun.file(new URL("../../config.schema.json", import.meta.url));
    expect(await file.text()).toBe(configJsonSchema());
  });

  test("docs/config.md is fresh", async () => {
    const page = await Bun.file(new URL("../../docs/config.md", import.meta.url)).text();
    expect(page).toBe(withKeyTables(page));
  });

  test("--check says which file is stale and exits 1; writing mends it", async () => {
    const script = new URL("../../scripts/generate-schemas.ts", import.meta.url).pathname;
    const run = Bun.spawnSync([process.execPath, script, "--check"]);
    expect([run.exitCode, run.stdout.toString()]).toEqual([0, ""]);
    expect(() => withKeyTables("a page without the markers")).toThrow("docs/config.md has no");
  });

  test("a default stands in the JSON Schema and in the table", () => {
    const schema = JSON.parse(configJsonSchema());
    expect(schema.$schema).toBe("https://json-schema.org/draft/2020-12/schema");
    expect(schema.properties.project_doc_max_bytes).toEqual({
      description: "Bytes of AGENTS.md files in all; 0 means none.",
      type: "integer",
      minimum: 0,
      default: 32_768,
    });
    expect(schema.properties.model_providers.additionalProperties.required).toEqual(["name"]);
    expect(configKeyTables()).toContain(
      "| `project_doc_max_bytes` | integer | `32768` | Bytes of AGENTS.md files in all",
    );
  });
});
