import { section } from "./section.ts";

export const mcpServer = section("A", {
  "mcp-server.lines": 'Every line of standard output is a JSON object with `"jsonrpc": "2.0"`.',
  "mcp-server.garbage": "A line that is not JSON gets an ERROR line on standard error and no answer.",
  "mcp-server.envelope": "A message without jsonrpc, and a batch, get an ERROR line and no answer.",
  "mcp-server.eof": "The end of input ends the process with code 0.",
  "mcp-server.initialize.version": "protocolVersion is the client's own, whatever it is.",
  "mcp-server.initialize.capabilities": 'capabilities is `{"tools":{"listChanged":true}}`; there are no instructions.',
  "mcp-server.initialize.server-info": "serverInfo has name `codex-mcp-server`, title `Codex`, version and user_agent.",
  "mcp-server.initialize.user-agent":
    "user_agent begins with `codex_cli_rs/` and ends with `(NAME; VERSION)` of the client.",
  "mcp-server.initialize.twice": "A second initialize: error -32600 `initialize called more than once`.",
  "mcp-server.initialize.not-first": "Requests before initialize are answered.",
  "mcp-server.ping": "ping is answered with an empty object.",
  "mcp-server.unknown-method": "An unknown method: error -32601 `method not found: X` with data.method.",
  "mcp-server.empty-lists": "resources/list, resources/templates/list and prompts/list are answered with empty lists.",
  "mcp-server.set-level": "logging/setLevel is answered with an empty object.",
  "mcp-server.tools.names": "tools/list has `codex` (title `Codex`) and `codex-reply` (title `Codex Reply`).",
  "mcp-server.tools.codex-keys": "codex takes ten arguments; only prompt is required.",
  "mcp-server.tools.reply-keys": "codex-reply takes prompt (required), threadId and conversationId.",
  "mcp-server.tools.choices": "approval-policy and sandbox list their values.",
  "mcp-server.tools.output-schema": "Both have an outputSchema: threadId and content, texts, required.",
  "mcp-server.call.unknown-tool": "An unknown tool is a result with isError: `Unknown tool 'nope'`.",
  "mcp-server.codex.no-arguments":
    "No arguments: `Missing arguments for codex tool-call; the `prompt` field is required.`",
  "mcp-server.codex.no-prompt": "No prompt: `Failed to parse configuration for Codex tool: missing field `prompt``.",
  "mcp-server.codex.wrong-type": "A wrong type: `… invalid type: integer `5`, expected a string`.",
  "mcp-server.codex.wrong-choice": "A wrong value: `… unknown variant `nope`, expected one of …`.",
  "mcp-server.codex.wrong-config": "config that is a list: `… invalid type: sequence, expected a map`.",
  "mcp-server.codex.unknown-keys": "Unknown arguments are accepted silently, null is as good as absent.",
  "mcp-server.codex.bad-config": "A bad setting: `Failed to load Codex configuration from overrides: …`.",
  "mcp-server.codex.no-profile":
    "An unknown profile: `Failed to load Codex configuration from overrides: config profile `nope` not found`.",
  "mcp-server.codex.result":
    "The result has the last message as text, and structuredContent with threadId and content.",
  "mcp-server.codex.failed": "A failed turn: isError, with the message as content and in structuredContent.",
  "mcp-server.codex.defaults": "A session begins with approval on-request and sandbox read-only.",
  "mcp-server.codex.settings": "model, sandbox, approval-policy and config (nested and dotted keys) count.",
  "mcp-server.codex.instructions":
    "base-instructions replace the instructions, developer-instructions are a developer message.",
  "mcp-server.codex.relative-cwd": "A relative cwd is below the server's own folder.",
  "mcp-server.codex.user-agent": "Requests of a session name the client at the end of the user agent.",
  "mcp-server.codex.rollout": "The session is stored with source `mcp` and originator `codex_cli_rs`.",
  "mcp-server.reply.result": "codex-reply goes on with the conversation, by threadId or by conversationId.",
  "mcp-server.reply.no-arguments":
    "No arguments: `Missing arguments for codex-reply tool-call; the `thread_id` and `prompt` fields are required.`",
  "mcp-server.reply.no-id": "No id: `Failed to parse thread_id: either threadId or conversationId must be provided`.",
  "mcp-server.reply.bad-id":
    "A malformed id: `Failed to parse thread_id: invalid length: …`, `… character: …`, `… group count: …`.",
  "mcp-server.reply.unknown-id": "An unknown id: `Session not found for thread_id: ID`, with structuredContent.",
  "mcp-server.events.meta": "A `codex/event` has `_meta` with the requestId as it was sent and the threadId.",
  "mcp-server.events.turn-id": "The id of a session's first turn is the request's id as text, also in turn_id.",
  "mcp-server.events.reply-turn-id": "The turn of a reply has a UUID as its id.",
  "mcp-server.events.reply-meta": "The events of a reply have the requestId of its own call, and one turn id.",
  "mcp-server.notify.turn-id": "The notify program and the rollout name a turn by the id its events have.",
  "mcp-server.events.order": "The events of a plain turn come in the recorded order.",
  "mcp-server.events.session-configured":
    "session_configured tells session, model, provider, policies, cwd and rollout.",
  "mcp-server.events.user-message": "The user's words come as item_started, item_completed and user_message.",
  "mcp-server.events.reasoning":
    "Reasoning comes as an item, section breaks, deltas in two forms, and agent_reasoning per part.",
  "mcp-server.events.agent-message": "A message comes as an item, deltas in two forms, and agent_message.",
  "mcp-server.events.command": "A command is exec_command_begin and exec_command_end with the recorded keys.",
  "mcp-server.events.patch": "A patch is patch_apply_begin and patch_apply_end with the changes by path.",
  "mcp-server.events.mcp": "An MCP call is mcp_tool_call_begin and mcp_tool_call_end with an Ok or an Err.",
  "mcp-server.events.mcp-failed":
    "A server that does not start is told with the text for people, and by its cause alone in mcp_startup_complete.",
  "mcp-server.events.plan": "A plan is plan_update.",
  "mcp-server.events.web-search": "A search is an item, web_search_begin and web_search_end.",
  "mcp-server.events.search-begin": "A search that only comes when it is over begins, as it is, before it ends.",
  "mcp-server.events.whole-item": "Messages and thoughts that come without deltas begin as they are.",
  "mcp-server.events.phase": "Items of messages have the phase that the model gave them.",
  "mcp-server.events.compaction":
    "A compaction is an item that begins before the request, and context_compacted; a failed one only begins.",
  "mcp-server.events.refused-limits": "An HTTP refusal tells no token_count before its error, a used up limit does.",
  "mcp-server.events.raw-reasoning":
    "Raw thoughts come as deltas in two forms; agent_reasoning_raw_content only with show_raw_agent_reasoning.",
  "mcp-server.events.parsed-command": "parsed_cmd tells what plain commands read, list and search.",
  "mcp-server.events.process-id": "exec_command_begin and exec_command_end of exec_command have a process_id.",
  "mcp-server.events.typed": "write_stdin is terminal_interaction with the command's call_id and what was typed.",
  "mcp-server.events.outlives":
    "A command that still runs has no exec_command_end with its turn; it comes later, with the id of that turn.",
  "mcp-server.events.turn-diff": "turn_diff comes after each patch and each round, with all changes so far.",
  "mcp-server.events.picture":
    "view_image is view_image_tool_call, and the picture an item and a user_message of its own.",
  "mcp-server.events.failure-kinds": "codex_error_info tells kinds of failure apart, and the status of an answer.",
  "mcp-server.events.error": "A failed turn tells error with codex_error_info.",
  "mcp-server.events.stream-error":
    "A retry is stream_error with `Reconnecting... 1/1` and the reason in additional_details.",
  "mcp-server.approval.exec":
    "A command that needs approval: exec_approval_request, then elicitation/create with the recorded params.",
  "mcp-server.approval.patch": "A patch that needs approval: apply_patch_approval_request, then elicitation/create.",
  "mcp-server.approval.reason":
    "A question has a reason where a rule, the model or a failed run gave one; codex_reason only that of patches.",
  "mcp-server.approval.undeclared": "The question is asked of a client that did not declare elicitation, too.",
  "mcp-server.approval.approved": '`{"decision":"approved"}` lets the command run.',
  "mcp-server.approval.denied": '`{"decision":"denied"}`: the model reads that the user rejected it, and goes on.',
  "mcp-server.approval.accept": '`{"action":"accept"}` lets the command run.',
  "mcp-server.approval.error": "A client that answers with an error denies.",
  "mcp-server.cancel.event": "notifications/cancelled interrupts the turn: turn_aborted, interrupted.",
  "mcp-server.cancel.commands": "Commands that earlier calls left running end with it.",
  "mcp-server.cancel.answered": "The cancelled call is answered, with isError.",
});
