import { FEATURE_ALIASES, FEATURES } from "../features.ts";
import { anything, either, type Field, flag, oneOf, optional, path, type Schema, table } from "../kinds.ts";
import { MODEL_PROFILE_FIELDS } from "./model.ts";
import { PERMISSION_PROFILE_FIELDS } from "./permissions.ts";

function featureFields(): Record<string, Field<boolean, false>> {
  const fields: Record<string, Field<boolean, false>> = {};
  for (const [name, { description, stage, default: on }] of Object.entries(FEATURES)) {
    fields[name] = optional(flag, `${description} (${stage})`, { defaultText: String(on) });
  }
  for (const [alias, name] of Object.entries(FEATURE_ALIASES)) {
    fields[alias] ??= optional(flag, `Another name of features.${name}`);
  }
  return fields;
}

/** Later versions have flags that are tables of settings; unknown ones of that form are no error. */
const unknownFlag = either(flag, table({}, { rest: anything }), "a boolean");
const features: Schema<{ [name: string]: boolean | undefined }> = table(featureFields(), { rest: unknownFlag });

/** Keys shared by the top level and profiles that belong to no other section. */
export const COMMON_PROFILE_FIELDS = {
  features: optional(features, "Feature flags, listed below"),
  js_repl_node_path: optional(path, "Node program for the JavaScript session"),
  experimental_use_unified_exec_tool: optional(flag, "Former name of features.unified_exec"),
  experimental_use_freeform_apply_patch: optional(flag, "Former name of features.apply_patch_freeform"),
  analytics: optional(
    table({ enabled: optional(flag, "Allow usage statistics", { unused: "none are sent" }) }),
    "Usage statistics",
  ),
  windows: optional(
    table({
      sandbox: optional(
        oneOf(["elevated", "unelevated"], { later: { mxc: "elevated" } }),
        "Kind of sandbox on Windows",
      ),
    }),
    "Windows",
  ),
};

/** One entry of `profiles`: the keys of Codex CLI 0.101. */
export const PROFILE_FIELDS = {
  ...MODEL_PROFILE_FIELDS,
  ...PERMISSION_PROFILE_FIELDS,
  ...COMMON_PROFILE_FIELDS,
  include_apply_patch_tool: optional(flag, "Former name of features.apply_patch_freeform"),
  tools_web_search: optional(flag, "As tools.web_search"),
  tools_view_image: optional(flag, "As tools.view_image"),
};

export const PROFILE = table(PROFILE_FIELDS);
