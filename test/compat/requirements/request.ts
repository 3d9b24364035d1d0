import { NEWER_SHAPE, OWN_TEXT } from "./reasons.ts";
import { section, untested } from "./section.ts";

export const request = section("1", {
  "exec.request.post": "Every sampling round is one POST to {base_url}/responses.",
  "exec.request.plain-body": "The request body is uncompressed JSON.",
  "exec.request.query-params": "The provider's query_params are appended to the URL.",
  "exec.request.no-other-requests": "With a custom provider nothing but POST /responses is requested, no GET /models.",
  "exec.request.one-per-round": "A turn with n tool rounds makes n + 1 requests.",
});

export const headers = section("1.1", {
  "exec.headers.session-id": "The session_id header is the thread id, a UUID version 7.",
  "exec.headers.authorization": "authorization is Bearer with the value of the provider's env_key variable.",
  "exec.headers.accept": "accept is text/event-stream.",
  "exec.headers.content-type": "content-type is application/json.",
  "exec.headers.content-length": "content-length is the number of bytes of the body.",
  "exec.headers.host": "host is the host and port of base_url.",
  "exec.headers.originator": "originator is codex_exec.",
  "exec.headers.originator-override": "CODEX_INTERNAL_ORIGINATOR_OVERRIDE replaces the originator.",
  "exec.headers.user-agent": "user-agent is <originator>/<version> (<os> <os version>; <arch>) <TERM>.",
  "exec.headers.user-agent-override": "The originator override is also the prefix of user-agent.",
  "exec.headers.user-agent-no-term": "The last word of user-agent is unknown when TERM is not set.",
  "exec.headers.turn-metadata-sandbox":
    'x-codex-turn-metadata is JSON whose sandbox is "seccomp" when commands are sandboxed.',
  "exec.headers.turn-metadata-no-sandbox": 'x-codex-turn-metadata has sandbox "none" with danger-full-access.',
  "exec.headers.turn-metadata-workspaces":
    "Inside git, x-codex-turn-metadata maps the git root to its latest_git_commit_hash under workspaces.",
  "exec.headers.turn-metadata-outside-git": "Outside git, x-codex-turn-metadata has no workspaces.",
  "exec.headers.review-subagent": "Requests of a review sub-turn carry x-openai-subagent: review.",
  "exec.headers.no-subagent": "Requests of an ordinary turn carry no x-openai-subagent.",
  "exec.headers.turn-state": "A response's x-codex-turn-state is sent back in the later requests of the same turn.",
  "exec.headers.turn-state-first": "The first request of a turn carries no x-codex-turn-state.",
  "exec.headers.rate-limits":
    "x-codex-primary-*, -secondary-* and -credits-* response headers become token_count.rate_limits.",
  "exec.headers.rate-limits-absent":
    "A response without rate limit headers sets primary and secondary to null and keeps credits.",
  "exec.headers.provider-http-headers": "The provider's http_headers are sent.",
  "exec.headers.provider-env-http-headers": "The provider's env_http_headers are sent with the variables' values.",
  "exec.headers.env-http-headers-unset": "An env_http_headers entry whose variable is unset is left out.",
  "exec.headers.bearer-token": "experimental_bearer_token is sent as Bearer when there is no env_key.",
  "exec.headers.env-key-wins": "env_key wins over experimental_bearer_token.",
  "exec.headers.env-key-missing":
    "A missing env_key variable fails the turn with `Missing environment variable: `NAME`.`, exit 1, no request.",
  "exec.headers.wire-api": "A wire_api other than responses is a config error that names the key.",
  "exec.headers.order": untested(
    "Headers are sent in one recorded order.",
    "HTTP gives header order no meaning and the runtime's fetch chooses it",
  ),
  "exec.headers.newer": untested(
    "x-codex-window-id, x-client-request-id, session-id and thread-id are sent.",
    NEWER_SHAPE,
  ),
  "exec.headers.newer-turn-metadata": untested("x-codex-turn-metadata has installation and window ids.", NEWER_SHAPE),
  "exec.headers.model-reroute": untested("An openai-model response header gives two error items.", NEWER_SHAPE),
});

export const body = section("1.2", {
  "exec.body.keys":
    "The body's keys are model, instructions, input, tools, tool_choice, parallel_tool_calls, reasoning, store, stream, include, prompt_cache_key.",
  "exec.body.key-order": "The body's keys come in the recorded order.",
  "exec.body.model": "model is the configured slug, unchanged.",
  "exec.body.instructions": "instructions is a non-empty text, the same in every request of a thread.",
  "exec.body.tool-choice": 'tool_choice is "auto".',
  "exec.body.store": "store is false.",
  "exec.body.stream": "stream is true.",
  "exec.body.prompt-cache-key": "prompt_cache_key is the thread id.",
  "exec.body.parallel-known": "parallel_tool_calls is true for a catalog model.",
  "exec.body.parallel-unknown": "parallel_tool_calls is false for an unknown slug.",
  "exec.body.reasoning-known": 'reasoning is {effort:"medium",summary:"auto"} for a catalog model.',
  "exec.body.reasoning-unknown": "reasoning is null for an unknown slug.",
  "exec.body.include-known": 'include is ["reasoning.encrypted_content"] for a reasoning model.',
  "exec.body.include-unknown": "include is empty for an unknown slug.",
  "exec.body.text-codex-model": "text is absent for gpt-5.2-codex.",
  "exec.body.text-verbosity-model": 'text is {verbosity:"low"} for gpt-5.2.',
  "exec.body.text-unknown": "text is absent for an unknown slug.",
  "exec.body.effort-override": "model_reasoning_effort replaces reasoning.effort.",
  "exec.body.summary-override": "model_reasoning_summary replaces reasoning.summary.",
  "exec.body.verbosity-override": "model_verbosity replaces text.verbosity for a model that supports it.",
  "exec.body.verbosity-unsupported": "model_verbosity is left out for a model that does not support it.",
  "exec.body.no-service-tier": "service_tier is not sent.",
  "exec.body.output-schema":
    '--output-schema sends text.format {type:"json_schema",strict:true,schema,name:"codex_output_schema"}.',
  "exec.body.output-schema-verbosity": "text.format and text.verbosity are sent together.",
  "exec.body.config-instructions": "The legacy instructions key does not change the base instructions.",
  "exec.body.instructions-size": untested("instructions has a recorded length per model.", OWN_TEXT),
  "exec.body.request-size": untested("The request for `hi` has a recorded size.", OWN_TEXT),
  "exec.body.newer": untested("client_metadata and service_tier are sent and instructions is absent.", NEWER_SHAPE),
  "exec.body.code-mode": untested("gpt-6 models get additional_tools instead of tools.", NEWER_SHAPE),
});

export const input = section("1.4", {
  "exec.input.order":
    "The first turn's input is developer permissions, user AGENTS.md message, user environment_context, user prompt.",
  "exec.input.permissions-tags": "The first item is a developer message inside <permissions instructions> tags.",
  "exec.input.permissions-mode": "The permissions text names the sandbox mode.",
  "exec.input.permissions-network": "The permissions text says whether network access is restricted or enabled.",
  "exec.input.permissions-approval": "The permissions text says that the approval policy is never.",
  "exec.input.permissions-roots": "With workspace-write the permissions text lists cwd, /tmp and each --add-dir.",
  "exec.input.developer-instructions":
    "developer_instructions is a developer message of its own after the permissions.",
  "exec.input.agents-wrapper":
    "The AGENTS.md message is `# AGENTS.md instructions for <cwd>` and the docs in <INSTRUCTIONS> tags.",
  "exec.input.agents-absent": "There is no AGENTS.md message when there are no docs and no skills.",
  "exec.input.environment-context":
    "environment_context has exactly <cwd> and <shell>, indented by two spaces, on lines of their own.",
  "exec.input.prompt": "The prompt is the last item: a user message with one input_text.",
  "exec.input.no-ids": "No input item has an id.",
  "exec.input.history-prefix": "Each request repeats the input of the one before it and appends to it.",
  "exec.input.assistant-message":
    "An assistant message goes back as role assistant with output_text, no id, no status.",
  "exec.input.message-phase": "An assistant message's phase goes back with it.",
  "exec.input.function-call": "A function_call goes back as name, arguments, call_id.",
  "exec.input.function-call-output": "Its result follows as function_call_output with the same call_id.",
  "exec.input.custom-tool-call": "A custom_tool_call goes back as status, call_id, name, input.",
  "exec.input.custom-tool-call-output": "Its result follows as custom_tool_call_output with the same call_id.",
  "exec.input.local-shell-call":
    "A local_shell_call goes back as call_id, status and action{type,command,timeout_ms,working_directory,env,user}.",
  "exec.input.reasoning": "A reasoning item goes back as summary, content null and encrypted_content.",
  "exec.input.web-search-call": "A web_search_call goes back with its status and action.",
  "exec.input.image":
    "An image is input_text `<image name=[Image #1]>`, input_image with a data URL, input_text `</image>`, then the prompt.",
  "exec.input.images-numbered": "Several images are numbered in order in one user message.",
  "exec.input.image-missing":
    "A missing image is not fatal: an input_text that names the path and the reason stands in its place.",
  "exec.input.newer": untested("Context comes as content parts of one developer and one user message.", NEWER_SHAPE),
  "exec.input.newer-environment": untested("environment_context has date, time zone and filesystem.", NEWER_SHAPE),
});
