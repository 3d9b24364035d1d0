import { NEWER_SHAPE } from "./reasons.ts";
import { section, untested } from "./section.ts";

const NO_INDEX = "the thread index belongs to the state store, which does not exist yet";

export const rollout = section("5", {
  "exec.rollout.path": "The file is sessions/YYYY/MM/DD/rollout-YYYY-MM-DDTHH-MM-SS-<thread id>.jsonl.",
  "exec.rollout.local-time": "Folder and name are in local time.",
  "exec.rollout.mode": "The file's mode is 644.",
  "exec.rollout.line": "A line is {timestamp, type, payload}, the timestamp in UTC with milliseconds.",
  "exec.rollout.sequence": "The lines of one tool round come in the recorded order.",
  "exec.rollout.session-meta":
    "session_meta has id, timestamp, cwd, originator, cli_version, source exec and model_provider.",
  "exec.rollout.session-meta-instructions": "session_meta has base_instructions.text, the instructions that were sent.",
  "exec.rollout.session-meta-git": "Inside git session_meta.git has commit_hash and branch.",
  "exec.rollout.session-meta-no-git": "Outside git session_meta has no git.",
  "exec.rollout.turn-context": "turn_context has cwd, approval_policy, sandbox_policy, model, effort and summary.",
  "exec.rollout.turn-context-instructions":
    "turn_context has user_instructions, developer_instructions and final_output_json_schema.",
  "exec.rollout.turn-context-per-request": "There is one turn_context per sampling request.",
  "exec.rollout.turn-context-truncation": "turn_context has the model's truncation_policy.",
  "exec.rollout.sandbox-read-only": 'sandbox_policy is {"type":"read-only"}.',
  "exec.rollout.sandbox-workspace":
    "sandbox_policy of workspace-write has network_access, exclude_tmpdir_env_var, exclude_slash_tmp.",
  "exec.rollout.sandbox-full": 'sandbox_policy is {"type":"danger-full-access"}.',
  "exec.rollout.task-started": "task_started has turn_id and model_context_window 258400.",
  "exec.rollout.user-message": "user_message has message, images, local_images and text_elements.",
  "exec.rollout.agent-message": "agent_message has message.",
  "exec.rollout.agent-reasoning": "agent_reasoning has text.",
  "exec.rollout.token-count": "token_count has total and last usage and the context window.",
  "exec.rollout.token-count-null": "The first token_count of a thread has info null.",
  "exec.rollout.task-complete": "task_complete has turn_id and last_agent_message.",
  "exec.rollout.task-complete-failure": "last_agent_message is null after a failure.",
  "exec.rollout.message-phase": "A message's phase is kept in the response_item.",
  "exec.rollout.reasoning": "A reasoning response_item keeps summary and encrypted_content.",
  "exec.rollout.function-call": "function_call and function_call_output are response_items with the call_id.",
  "exec.rollout.custom-tool-call": "custom_tool_call and custom_tool_call_output are response_items.",
  "exec.rollout.web-search": "web_search_call is a response_item with status and action.",
  "exec.rollout.not-persisted": "Errors, command, patch and plan events are not persisted.",
  "exec.rollout.local-shell": "local_shell_call is a response_item with status and action.",
  "exec.compaction.trigger": "At model_auto_compact_token_limit an extra request compacts between rounds.",
  "exec.compaction.request":
    "The compaction request has no tools, parallel_tool_calls false and ends with a user text.",
  "exec.compaction.history": "The next request has the context, the user messages and a user summary, no tool items.",
  "exec.compaction.rollout": "The rollout gets a compacted line with the message.",
  "exec.compaction.event": "The rollout gets context_compacted.",
  "exec.compaction.overflow": "A compaction request that overflows is tried again without the oldest item.",
  "exec.compaction.resume": "A resumed thread continues from the compacted history.",
  "exec.rollout.raw-shell-output": untested(
    "shell and apply_patch outputs are stored as JSON and rewritten for the request.",
    "an internal two-step form; what the model receives is tested in section 7",
  ),
  "exec.rollout.newer": untested("ordinal, metadata, world_state, token_usage_record are written.", NEWER_SHAPE),
});

export const home = section("6", {
  "exec.home.no-history": "exec never writes history.jsonl.",
  "exec.home.sessions": "A run writes its session below sessions/.",
  "exec.home.config-untouched": "A run does not change config.toml.",
  "exec.home.shell-snapshots-empty": "No shell snapshot is left after a run.",
  "exec.home.sqlite": untested("--enable sqlite writes state_5.sqlite.", NO_INDEX),
  "exec.home.sqlite-tables": untested("Its tables have the recorded columns.", NO_INDEX),
  "exec.home.skills": untested("skills/.system is unpacked.", "bundled skills do not exist yet"),
  "exec.home.newer": untested("installation_id, locks and seven databases are written.", NEWER_SHAPE),
  "exec.home.two-processes": "Two runs on one home at once both finish with a rollout of their own.",
  "exec.home.read-only": "A home that cannot be written gives a clear error and no crash.",
});

export const notify = section("10", {
  "exec.notify.argument": "notify runs its argv with one more argument, JSON of type agent-turn-complete.",
  "exec.notify.keys": "The JSON has thread-id, turn-id, cwd, input-messages and last-assistant-message.",
  "exec.notify.thread-id": "thread-id is the thread_id of the run.",
  "exec.notify.cwd": "It runs where codex was started, not in the folder that -C names; the JSON names the latter.",
  "exec.notify.once": "It runs once per turn.",
  "exec.notify.own-arguments": "The arguments that notify lists come first, each as it is.",
  "exec.notify.outlives": "Nobody waits for it, and it outlives the run.",
  "exec.notify.resumed":
    "Turns of a resumed thread name that thread; the input messages are all of the thread's, the turn's prompt last.",
  "exec.notify.missing-program": "A notify program that does not exist does not fail the run.",
});

export const agentsMd = section("11", {
  "exec.agents.global": "$CODEX_HOME/AGENTS.md is included.",
  "exec.agents.global-override": "$CODEX_HOME/AGENTS.override.md replaces it.",
  "exec.agents.separator": "Global and project docs are separated by `\\n\\n--- project-doc ---\\n\\n`.",
  "exec.agents.path": "One file per directory from the project root to cwd, outermost first.",
  "exec.agents.join": "Files are joined by a blank line; a file's own final newline is kept.",
  "exec.agents.override": "AGENTS.override.md wins over AGENTS.md in its directory.",
  "exec.agents.fallback": "project_doc_fallback_filenames are used where there is no AGENTS.md.",
  "exec.agents.fallback-loses": "AGENTS.md wins over a fallback name.",
  "exec.agents.root": "The root is the nearest ancestor with .git.",
  "exec.agents.no-root": "Without a root only cwd is read.",
  "exec.agents.root-markers": "project_root_markers changes what a root is.",
  "exec.agents.blank": "A blank file is skipped.",
  "exec.agents.max-bytes": "project_doc_max_bytes cuts the project files in total, mid-file.",
  "exec.agents.max-bytes-default": "The default budget is 32768 bytes.",
  "exec.agents.max-bytes-zero": "0 turns project docs off.",
  "exec.agents.global-not-counted": "The global file does not count.",
  "exec.agents.over-budget-warning": untested("Over budget an error item warns.", NEWER_SHAPE),
});
