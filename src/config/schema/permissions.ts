import { APPROVAL_POLICIES, SANDBOX_MODES, WEB_SEARCH_MODES } from "#protocol/policies.ts";
import {
  anything,
  either,
  flag,
  listOf,
  oneOf,
  optional,
  path,
  required,
  section,
  table,
  textList,
  textMap,
  withDefault,
} from "../kinds.ts";

/** Later versions can switch single kinds of questions; the nearest policy here is on-request. */
const granularApproval = table({ granular: required(anything, "Which kinds of questions are asked") });

export const PERMISSION_PROFILE_FIELDS = {
  approval_policy: optional(
    either(oneOf(APPROVAL_POLICIES), granularApproval, "one of `untrusted`, `on-failure`, `on-request`, `never`"),
    "When to ask before running a command",
    { defaultText: "on-request; untrusted in a folder marked untrusted" },
  ),
  sandbox_mode: optional(oneOf(SANDBOX_MODES), "What commands may touch", {
    defaultText: "read-only; workspace-write once the folder has a trust decision",
  }),
  web_search: optional(oneOf(WEB_SEARCH_MODES, { later: { indexed: "cached" } }), "Web search by the model", {
    defaultText: "cached; live under danger-full-access",
  }),
};

export const PERMISSION_FIELDS = {
  sandbox_workspace_write: section(
    {
      writable_roots: withDefault(listOf(path), [], "Folders that may be written besides the working folder"),
      network_access: withDefault(flag, false, "Let commands reach the network"),
      exclude_tmpdir_env_var: withDefault(flag, false, "Do not make $TMPDIR writable"),
      exclude_slash_tmp: withDefault(flag, false, "Do not make /tmp writable"),
      allow_loopback: withDefault(
        flag,
        false,
        "TCP and UDP on a loopback of their own, network off (ours; docs/sandbox.md)",
      ),
      deny_read: withDefault(textList, [], "Globs of what commands can neither read nor write (ours; docs/sandbox.md)"),
    },
    'Details of sandbox_mode = "workspace-write"',
  ),
  shell_environment_policy: section(
    {
      inherit: withDefault(oneOf(["all", "core", "none"]), "all", "Which variables commands start from"),
      ignore_default_excludes: withDefault(flag, true, "Keep names with KEY, SECRET or TOKEN; false removes them"),
      exclude: withDefault(textList, [], "Names to remove; * and ? are wildcards, case does not matter"),
      set: withDefault(textMap, {}, "Variables to set"),
      include_only: withDefault(textList, [], "When not empty, only these names are kept"),
      experimental_use_profile: withDefault(flag, false, "Run commands through the shell's profile"),
    },
    "Environment of the commands the model runs",
  ),
};

/** One entry of `projects`. */
export const PROJECT = table({
  trust_level: optional(oneOf(["trusted", "untrusted"]), "Whether this folder's own configuration is used"),
});
