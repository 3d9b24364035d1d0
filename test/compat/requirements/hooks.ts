import { section } from "./section.ts";

export const hooks = section("3.12", {
  "hooks.input.common":
    "Every event has session_id, transcript_path, cwd and hook_event_name; those of turns model, turn_id.",
  "hooks.prompt.block":
    "UserPromptSubmit with exit code 2: the turn fails with standard error as its reason, nothing is sent.",
  "hooks.prompt.context": "What UserPromptSubmit prints as plain text is a developer message.",
  "hooks.session-start.context": "hookSpecificOutput.additionalContext is a developer message.",
  "hooks.pre-tool.input":
    "PreToolUse has tool_name (`Bash` for commands), tool_input with the command, and tool_use_id.",
  "hooks.pre-tool.block": "PreToolUse with exit code 2: the call is not run, and the model reads the reason.",
  "hooks.pre-tool.deny": "permissionDecision deny does the same with permissionDecisionReason.",
  "hooks.pre-tool.updated-input": "updatedInput is what runs in place of the model's input.",
  "hooks.post-tool.input": "PostToolUse has what PreToolUse had, and tool_response.",
  "hooks.post-tool.block": "decision block of PostToolUse: the model reads the reason in place of the output.",
  "hooks.stop.input": "Stop has stop_hook_active and last_assistant_message.",
  "hooks.stop.goes-on": "Stop with exit code 2: the model goes on with standard error as the user's words.",
  "hooks.stop.active": "stop_hook_active is true once a hook has kept the turn going.",
  "hooks.session-end.input": "SessionEnd has the reason other, and no model.",
  "hooks.compact.block": "PreCompact with exit code 2: the turn fails with the reason.",
  "hooks.compact.trigger": "PreCompact has the trigger, auto or manual.",
  "hooks.matcher": "Of hooks with a matcher only those run whose matcher fits the tool's name.",
  "hooks.failure.ignored": "Another exit code is shown and stops nothing.",
  "hooks.failure.guard": "Of PreToolUse it blocks the call, unless on_error is ignore.",
  "hooks.timeout": "A hook over its timeout is ended with what it started.",
  "hooks.concurrent": "All hooks of an event run at the same time.",
  "hooks.toml": "The table hooks of config.toml counts as hooks.json does.",
  "hooks.trust.new":
    "A hook of a trusted project that was not approved is skipped, with a warning that says what to do.",
  "hooks.trust.approved": "`codex hooks trust` approves it.",
  "hooks.trust.changed": "A hook that was changed since is skipped again.",
  "hooks.trust.bypass": "--dangerously-bypass-hook-trust runs it for once.",
});
