/** UUIDv7 text of a conversation thread: rollout name, `session_id` header, `prompt_cache_key`. */
export type ThreadId = string;
/** UUIDv7 text of one user turn. */
export type TurnId = string;
