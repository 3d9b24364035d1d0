import {
  anything,
  either,
  flag,
  integer,
  oneOf,
  optional,
  section,
  text,
  textList,
  textMap,
  withDefault,
} from "../kinds.ts";

const EXPERIMENTAL_MODES = ["plan", "default"] as const;

export const TUI_FIELDS = {
  tui: section(
    {
      notifications: withDefault(
        either(flag, textList, "a boolean or a list of notification types"),
        true,
        "Desktop notifications: on, off, or only the types agent-turn-complete and approval-requested",
      ),
      notification_method: withDefault(
        oneOf(["auto", "osc9", "bel"], { later: { osc777: "osc9" } }),
        "auto",
        "How the terminal is told",
      ),
      notification_condition: optional(oneOf(["unfocused", "always"]), "When to notify", {
        since: "0.169",
        defaultText: "unfocused",
      }),
      animations: withDefault(flag, true, "Spinners and shimmer"),
      show_tooltips: withDefault(flag, true, "Tips on the start screen"),
      alternate_screen: withDefault(oneOf(["auto", "always", "never"]), "auto", "Use the terminal's second screen"),
      status_line: optional(textList, "Items of the footer, in order", { defaultText: "the built-in footer" }),
      experimental_mode: optional(
        oneOf(EXPERIMENTAL_MODES, {
          aliases: { code: "default", custom: "default", execute: "default", pair_programming: "default" },
        }),
        "Mode in which a session starts",
      ),
      theme: optional(text, "Colour theme", { since: "0.169" }),
    },
    "The terminal interface",
  ),
  history: section(
    {
      persistence: withDefault(oneOf(["save-all", "none"]), "save-all", "Whether prompts are kept in history.jsonl"),
      max_bytes: optional(integer("usize"), "Size at which the oldest prompts are dropped", {
        defaultText: "no limit",
      }),
    },
    "Prompt history",
  ),
  notice: section(
    {
      hide_full_access_warning: optional(flag, "The full-access warning was acknowledged"),
      hide_world_writable_warning: optional(flag, "The warning about world-writable folders was acknowledged"),
      hide_rate_limit_model_nudge: optional(flag, "The hint to use a smaller model was dismissed"),
      hide_gpt5_1_migration_prompt: optional(flag, "That migration prompt was answered"),
      "hide_gpt-5.1-codex-max_migration_prompt": optional(flag, "That migration prompt was answered"),
      model_migrations: withDefault(textMap, {}, "Model changes that were acknowledged: old name to new name"),
      external_config_migration_prompts: optional(anything, "Migration prompts that were answered", {
        since: "0.169",
        unused: "there is no such prompt here",
      }),
    },
    "What was acknowledged in the terminal interface, which writes these keys",
  ),
  file_opener: withDefault(
    oneOf(["vscode", "vscode-insiders", "windsurf", "cursor", "none"]),
    "vscode",
    "Program that links to files open in",
  ),
  hide_agent_reasoning: withDefault(flag, false, "Do not show reasoning"),
  show_raw_agent_reasoning: withDefault(flag, false, "Show the full reasoning of models that send it"),
  check_for_update_on_startup: withDefault(flag, true, "Look for a new version at start"),
  disable_paste_burst: withDefault(flag, false, "Do not guess pastes from typing speed"),
  windows_wsl_setup_acknowledged: optional(flag, "The hint about WSL was acknowledged"),
};

/** `apps.<id>` */
export const APP_FIELDS = {
  enabled: withDefault(flag, true, "Whether the connector is offered"),
  disabled_reason: optional(oneOf(["unknown", "user"]), "Why it is off"),
};
